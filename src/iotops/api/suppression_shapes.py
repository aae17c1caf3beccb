"""How suppressions look from outside, and what people may say of them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from iotops.api.entry_work import Said
from iotops.api.shapes import Body, Instant, InstantIn, Shape
from iotops.incidents.recurrence import MAX_CHARS
from iotops.rules.calendar import read_timezone
from iotops.store.suppressions import Kept

_Names = Annotated[list[Said], Field(max_length=200)]
_Labels = Annotated[dict[Said, Annotated[_Names, Field(min_length=1)]], Field(max_length=20)]
_Kind = Literal["maintenance", "silence"]
_Zone = Annotated[str, Field(max_length=64, examples=["Europe/Paris"]), AfterValidator(read_timezone)]
_Rule = Annotated[str, Field(max_length=MAX_CHARS, examples=["FREQ=WEEKLY;BYDAY=SU"])]
_Device = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,64}/[A-Za-z0-9_.:-]{1,64}$")]


class MatcherBody(Body):
    """Whom it is about: everything said must hold, one of the values each."""

    labels: _Labels = Field({}, description="label -> values; `*` and `?` stand for any text and any character")
    rules: _Names = Field([])
    sites: _Names = Field([])
    services: _Names = Field([])
    devices: Annotated[list[_Device], Field(max_length=1_000)] = Field([], description="site/device")


def _meant(matcher: MatcherBody) -> MatcherBody:
    if not matcher.model_dump(exclude_defaults=True):
        msg = "names nobody; say labels, rules, sites, services or devices"
        raise ValueError(msg)
    return matcher


_Matcher = Annotated[MatcherBody, AfterValidator(_meant)]


class SuppressionChange(Body):
    """What to change; members that are left out stay. Null takes `ends_at` and `rrule` out."""

    matcher: _Matcher | None = None
    starts_at: InstantIn | None = None
    ends_at: InstantIn | None = Field(None, description="of the first window where rrule repeats it")
    rrule: _Rule | None = Field(None, description="RFC 5545; the time of day is that of starts_at")
    timezone: _Zone | None = Field(None, description="whose wall clock rrule counts on; UTC where nothing is said")
    until_cleared: bool | None = Field(
        None, description="it ends by itself when what it is about has fired and cleared"
    )
    owner: Said | None = Field(None, description="who answers for it")
    reason: Said | None = None


class NewSuppression(SuppressionChange):
    """A new suppression; it begins now where nothing else is said."""

    kind: _Kind
    matcher: _Matcher
    owner: Said
    reason: Said


class WindowShape(Shape):
    """One window of time; without an end where none was said."""

    starts_at: Instant
    ends_at: Instant | None


class SuppressionShape(Shape):
    """One suppression."""

    id: str = Field(examples=["SUP-000001"])
    kind: _Kind
    state: Literal["scheduled", "active", "ended"]
    matcher: MatcherBody
    starts_at: Instant
    ends_at: Instant | None
    rrule: str | None
    timezone: str
    until_cleared: bool
    owner: str
    reason: str
    window: WindowShape | None = Field(description="the one that runs now, else the next; null where none comes")
    matched_devices: int = Field(description="how many devices it is about now; /devices lists them")
    created_by: str
    created_at: Instant
    ended_at: Instant | None = Field(description="when it was ended by hand, or because all was clear")
    updated_at: Instant
    version: int


class MatchedDevice(Shape):
    """One device that a suppression is about."""

    site: str
    device: str


def said_of(body: SuppressionChange, now_ms: int | None = None) -> dict[str, Any]:
    """Return the columns that a body says; with `now_ms` those of a new one, with what nothing is said of."""
    names = {"starts_at": "starts_ms", "ends_at": "ends_ms"}
    sent = body.model_dump(exclude_unset=True)
    if "matcher" in sent and body.matcher is not None:
        sent["matcher"] = body.matcher.model_dump(exclude_defaults=True)
    # Null takes out what may be missing; of everything else it says nothing.
    may_go = ("ends_at", "rrule")
    said = {names.get(name, name): value for name, value in sent.items() if value is not None or name in may_go}
    fresh = {"starts_ms": now_ms, "ends_ms": None, "rrule": None, "timezone": "UTC", "until_cleared": False}
    return said if now_ms is None else {**fresh, **said}


def refusal(said: Mapping[str, Any]) -> str | None:
    """Return why what is said as a whole cannot be, None where it can: a silence never lasts for ever."""
    if said["kind"] == "silence" and said["ends_ms"] is None and not said["until_cleared"]:
        return "a silence needs ends_at, or until_cleared: say when it is over"
    return None


def shaped(kept: Kept, matched: int, now_ms: int) -> SuppressionShape:
    """Return a suppression as clients see it."""
    found = kept.suppression
    window = None if found.ended_ms is not None else found.windows.current_or_next(now_ms)
    state: Literal["scheduled", "active", "ended"] = "ended" if window is None else "scheduled"
    if found.applies(now_ms):
        state = "active"
    plain = {name: kept.said[name] for name in ("rrule", "timezone", "until_cleared", "owner", "reason", "kind")}
    return SuppressionShape(
        id=found.id,
        state=state,
        matcher=MatcherBody.model_validate(kept.said["matcher"]),
        starts_at=kept.said["starts_ms"],
        ends_at=kept.said["ends_ms"],
        window=None if window is None else WindowShape(starts_at=window[0], ends_at=window[1]),
        matched_devices=matched,
        created_by=kept.created_by,
        created_at=kept.created_ms,
        ended_at=found.ended_ms,
        updated_at=kept.updated_ms,
        version=kept.version,
        **plain,
    )
