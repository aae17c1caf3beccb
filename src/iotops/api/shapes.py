"""How the API spells the things that every resource speaks of: strict bodies, instants, names."""

from typing import Annotated, Any

from fastapi import Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from iotops.durations import format_instant, parse_instant

LATEST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z, the last instant RFC 3339 can spell


class Body(BaseModel):
    """What a client sends: a member that is not known is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Shape(BaseModel):
    """What a client receives."""

    model_config = ConfigDict(serialize_by_alias=True)


def _instant(found: object) -> object:
    return parse_instant(found) if isinstance(found, str) else found


def _storable(text: str) -> str:
    """Refuse what one of the databases would refuse: NUL, and halves of surrogate pairs."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        msg = "has a NUL or half of a surrogate pair, which is no text; remove it"
        raise ValueError(msg)
    return text


_INSTANT_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-01T00:00:00Z"]})

Instant = Annotated[int, PlainSerializer(format_instant, return_type=str), _INSTANT_SCHEMA]
"""Unix milliseconds inside, RFC 3339 in UTC outside."""

InstantIn = Annotated[int, BeforeValidator(_instant), Field(ge=0, le=LATEST_MS), _INSTANT_SCHEMA]
"""RFC 3339 from outside, Unix milliseconds inside."""

Text = Annotated[str, Field(max_length=10_000), AfterValidator(_storable)]
"""A note that a person writes."""

Line = Annotated[str, Field(max_length=200), AfterValidator(_storable)]
"""A name, a title, a reason: one line."""

SiteName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
DeviceName = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]

JsonObject = dict[str, Any]
