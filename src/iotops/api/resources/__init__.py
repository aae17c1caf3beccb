"""The table of resources: a new one is one file here and one line below."""

from fastapi import APIRouter

from iotops.api.resources import (
    actions,
    alerts,
    audit,
    backtests,
    calendars,
    dead_letters,
    dependencies,
    devices,
    explanations,
    health,
    incident_tables,
    incidents,
    kpis,
    metrics,
    reference,
    rule_figures,
    rules,
    services,
    session,
    sites,
    sla_policies,
    stream,
    suppliers,
    telemetry,
    timeline,
    tokens,
)

API = "/api/v1"

ROUTERS: tuple[tuple[str, APIRouter], ...] = (
    (API, incident_tables.router),
    (API, incidents.router),
    (API, actions.router),
    (API, timeline.router),
    (API, alerts.router),
    (API, devices.router),
    (API, telemetry.router),
    (API, sites.router),
    (API, services.router),
    (API, suppliers.router),
    (API, dependencies.router),
    (API, backtests.router),
    (API, rule_figures.router),
    (API, calendars.router),
    (API, sla_policies.router),
    (API, kpis.router),
    (API, rules.router),
    (API, explanations.router),
    (API, dead_letters.router),
    (API, stream.router),
    (API, tokens.router),
    (API, session.router),
    (API, audit.router),
    ("", health.router),
    ("", metrics.router),
    ("", reference.router),
)
"""Path prefix and router of every resource, in the order of the reference page."""
