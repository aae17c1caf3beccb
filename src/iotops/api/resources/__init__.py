"""The table of resources: a new one is one file here and one line below."""

from fastapi import APIRouter

from iotops.api.resources import actions, audit, incidents, reference, session, stream, timeline, tokens

API = "/api/v1"

ROUTERS: tuple[tuple[str, APIRouter], ...] = (
    (API, incidents.router),
    (API, actions.router),
    (API, timeline.router),
    (API, stream.router),
    (API, tokens.router),
    (API, session.router),
    (API, audit.router),
    ("", reference.router),
)
"""Path prefix and router of every resource, in the order of the reference page."""
