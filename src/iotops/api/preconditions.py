"""ETag and If-Match: a change says which version it was made for, so that nobody overwrites what they have not seen."""

import re
from typing import Annotated

from fastapi import Header

from iotops.api.problems import Problem
from iotops.errors import StaleVersion

_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=200, description="ETag of the version that the change is made for")
]


def etag(version: object) -> str:
    """Return the ETag of a version."""
    return f'"{version}"'


def required_version(if_match: str | None) -> str | None:
    """Return the version that a PATCH is for; None where If-Match is `*`: any.

    Raises:
        Problem: precondition_required, without If-Match; stale_version, where it is no ETag of ours.
    """
    if if_match is None:
        raise Problem("precondition_required", "send If-Match with the ETag of the version that you have read")
    return given_version(if_match)


def given_version(if_match: str | None) -> str | None:
    """Return the version of an If-Match that may be left out; None: any.

    Raises:
        Problem: stale_version, where it is no ETag of ours.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match)
    if found is None:
        raise Problem("stale_version", f"If-Match {if_match!r} is no ETag of this resource; read it again")
    return found[1]


def required_number(if_match: str | None) -> int | None:
    """Return the version that a PATCH is for, where versions are counted; None: any.

    Raises:
        Problem: as `required_version`.
        StaleVersion: nothing ever has such a version.
    """
    version = required_version(if_match)
    return None if version is None else _number(version)


def given_number(if_match: str | None) -> int | None:
    """Return the version of an If-Match that may be left out, where versions are counted; None: any.

    Raises:
        Problem: as `given_version`.
        StaleVersion: nothing ever has such a version.
    """
    version = given_version(if_match)
    return None if version is None else _number(version)


def _number(version: str) -> int:
    if not (version.isascii() and version.isdigit() and len(version) < 19):
        msg = f"version {version!r} is none of this resource"
        raise StaleVersion(msg)
    return int(version)
