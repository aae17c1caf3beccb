"""A fleet as described in YAML: which devices there are, how they behave, and what goes wrong."""

from dataclasses import fields
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from iotops.durations import parse_duration
from simulators.faults import KINDS
from simulators.physics import MODELS

_RATE_UNITS = {"h": 1.0, "d": 24.0, "w": 168.0}


def _duration(found: object) -> object:
    if not isinstance(found, str):
        return found
    sign = -1 if found.startswith("-") else 1
    return sign * parse_duration(found.removeprefix("-"))


def _rate(found: object) -> object:
    """Read `0.5/d` as faults per hour."""
    if not isinstance(found, str):
        return found
    count, _, unit = found.partition("/")
    try:
        return float(count) / _RATE_UNITS[unit]
    except (KeyError, ValueError) as error:
        msg = f"{found!r} is not a rate; write a number per h, d or w and device, such as 0.5/d"
        raise ValueError(msg) from error


def _listed(found: object) -> object:
    return [found] if isinstance(found, dict) else found


def _known_type(found: str) -> str:
    if found not in MODELS:
        msg = f"no physics for {found!r}; there are {', '.join(sorted(MODELS))}"
        raise ValueError(msg)
    return found


def _known_kind(found: str) -> str:
    if found not in KINDS:
        msg = f"no fault {found!r}; there are {', '.join(sorted(KINDS))}"
        raise ValueError(msg)
    return found


Offset = Annotated[int, BeforeValidator(_duration)]
"""Milliseconds, written `-2h` or `30s`."""
Span = Annotated[int, BeforeValidator(_duration), Field(gt=0)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,60}$")]


class _Text(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sites(_Text):
    """Sites of one kind: how many, how they are called (`{n}` counts from 1), which groups they have (without: all)."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]*\{n(:0\d)?\}[A-Za-z0-9_.:-]*$")]
    count: Annotated[int, Field(ge=1, le=10_000)] = 1
    groups: list[str] | None = None


class Group(_Text):
    """Devices of one type at a site, called `<name>-01`, `<name>-02`, ...

    `connection: own` has an MQTT connection with a last will; `gateway` speaks through the device named by `gateway`.
    """

    name: Identifier
    type: Annotated[str, AfterValidator(_known_type)]
    count: Annotated[int, Field(ge=1, le=100_000)] = 1
    every: Span = 30_000
    connection: Literal["own", "gateway"] = "gateway"
    gateway: str | None = None
    labels: dict[str, str] = {}
    physics: dict[str, float] = {}

    @model_validator(mode="after")
    def _fits(self) -> "Group":
        known = {field.name for field in fields(MODELS[self.type])} - {"noise"}  # type: ignore[arg-type]  # models are dataclasses
        unknown = sorted(set(self.physics) - known)
        if unknown:
            msg = f"physics of {self.type} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}"
            raise ValueError(msg)
        if self.connection == "gateway" and self.gateway is None:
            msg = "expected gateway: NAME, or connection: own; the device needs some way to the broker"
            raise ValueError(msg)
        return self


class FaultEntry(_Text):
    """What goes wrong: once (`at`, relative to the instant at which the run goes live) or at random (`rate`).

    `device` and `site` are globs; a scheduled fault strikes every device they match, without `site` at the first site
    that has one.
    `expect` names the rules that must fire and the longest delay from the fault's start; a fault that expects nothing
    must raise nothing and does not count. `also` may fire as a consequence.
    """

    kind: Annotated[str, AfterValidator(_known_kind)]
    device: str
    site: str | None = None
    at: Offset | None = None
    rate: Annotated[float, BeforeValidator(_rate), Field(gt=0)] | None = None
    for_: Annotated[Span | None, Field(alias="for")] = None
    metric: str | None = None
    amount: float | None = None
    expect: dict[str, Span] = {}
    also: list[str] = []

    @model_validator(mode="after")
    def _fits(self) -> "FaultEntry":
        kind = KINDS[self.kind]
        if (self.at is None) == (self.rate is None):
            msg = "expected exactly one of at (once) and rate (at random)"
            raise ValueError(msg)
        if kind.metric is not None and kind.metric != (self.metric is not None):
            msg = f"a {self.kind} {'needs' if kind.metric else 'has no'} metric"
            raise ValueError(msg)
        if kind.amount and self.amount is None and kind.default_amount is None:
            msg = f"a {self.kind} needs amount: {kind.amount}"
            raise ValueError(msg)
        if not kind.amount and self.amount is not None:
            msg = f"a {self.kind} has no amount"
            raise ValueError(msg)
        return self

    @property
    def lasts_ms(self) -> int:
        """Return how long the fault lasts."""
        return self.for_ or KINDS[self.kind].for_ms

    @property
    def size(self) -> float:
        """Return the amount, the kind's usual one where none is given, 0 where the kind has none."""
        return self.amount if self.amount is not None else KINDS[self.kind].default_amount or 0.0


class Fleet(_Text):
    """One fleet file: sites, the groups of devices that a site has, and faults.

    `start` is how far before now a run begins (negative), unless the command line says otherwise.
    """

    fleet: Identifier
    start: Offset = 0
    sites: Annotated[list[Sites], BeforeValidator(_listed), Field(min_length=1)]
    groups: Annotated[list[Group], Field(min_length=1)]
    faults: list[FaultEntry] = []

    def groups_of(self, sites: Sites) -> list[Group]:
        """Return the groups that sites of a kind have."""
        return [group for group in self.groups if sites.groups is None or group.name in sites.groups]
