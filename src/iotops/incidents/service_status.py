"""How a service stands for those who depend on it, and how it stood on days past. Pure.

What nobody watches, or nobody hears from, is unknown: silence is never health.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from iotops.rules.rule import Severity

DAY_MS = 86_400_000


class ServiceState(StrEnum):
    """What those who depend on a service have to reckon with; the worst first."""

    OUTAGE = "outage"
    DEGRADED = "degraded"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    OPERATIONAL = "operational"


_RANK: Mapping[str, int] = {state.value: rank for rank, state in enumerate(ServiceState)}


@dataclass(frozen=True, slots=True)
class Sight:
    """What is to be seen of a service at one instant.

    Attributes:
        devices: how many it runs on, retired ones left out.
        unheard: of these, those that nothing was heard from lately, or whose alarms a silence holds back.
        maintained: of these, those that planned maintenance is about now.
        affected: of these, those that open incidents are about.
        critical: of these, those that critical ones are about; more where the incidents say so of their groups.
        severity: of the worst open incident that concerns the service; None: there is none, or of infos only.
        in_maintenance: planned maintenance names the service itself.
        blind: nothing is received from any device.
    """

    devices: int = 0
    unheard: int = 0
    maintained: int = 0
    affected: int = 0
    critical: int = 0
    severity: Severity | None = None
    in_maintenance: bool = False
    blind: bool = False


class Judgement(NamedTuple):
    """A state, and why in words that name no device, rule or person."""

    state: ServiceState
    because: str


def judge(sight: Sight, threshold: float) -> Judgement:
    """Say how a service stands; the first that applies counts.

    Args:
        sight: what is to be seen of it.
        threshold: share of its devices from which on the part is taken for the whole.
    """
    critical = sight.severity is Severity.CRITICAL
    if critical and (sight.devices == 0 or sight.critical >= threshold * sight.devices):
        return Judgement(ServiceState.OUTAGE, _parts(sight.critical, sight.devices, "affected"))
    if sight.in_maintenance or (sight.devices and sight.maintained >= threshold * sight.devices):
        return Judgement(ServiceState.MAINTENANCE, "work on it was planned for this time")
    if sight.severity is not None:
        return Judgement(ServiceState.DEGRADED, _parts(sight.affected, sight.devices, "affected"))
    if sight.blind:
        return Judgement(ServiceState.UNKNOWN, "nothing is received at present")
    if sight.devices == 0:
        return Judgement(ServiceState.UNKNOWN, "no part of it is watched")
    if sight.unheard and sight.unheard >= threshold * sight.devices:
        return Judgement(ServiceState.UNKNOWN, _parts(sight.unheard, sight.devices, "not heard from"))
    return Judgement(ServiceState.OPERATIONAL, _parts(sight.devices - sight.unheard, sight.devices, "heard from"))


@dataclass(frozen=True, slots=True)
class Span:
    """How a service stood from one instant up to another, and the incidents that concerned it then."""

    state: str
    since_ms: int
    until_ms: int
    incidents: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """One day of UTC.

    Attributes:
        start_ms: its midnight.
        state: the worst of the day; None where nobody looked.
        lasted_ms: state -> how long, of states that occurred.
        incidents: those that concerned the service that day.
    """

    start_ms: int
    state: str | None = None
    lasted_ms: Mapping[str, int] = field(default_factory=dict)
    incidents: tuple[int, ...] = ()


def days(spans: Iterable[Span], now_ms: int, count: int) -> list[Day]:
    """Return the last `count` days up to today, the oldest first."""
    known = list(spans)
    today_ms = now_ms - now_ms % DAY_MS
    return [_day(known, today_ms - back * DAY_MS) for back in range(count - 1, -1, -1)]


def _day(spans: Iterable[Span], start_ms: int) -> Day:
    lasted: dict[str, int] = {}
    incidents: dict[int, None] = {}
    for span, length_ms in _within(spans, start_ms):
        lasted[span.state] = lasted.get(span.state, 0) + length_ms
        incidents.update(dict.fromkeys(span.incidents))
    worst = min(lasted, key=_RANK.__getitem__, default=None)
    return Day(start_ms, worst, dict(sorted(lasted.items(), key=lambda each: _RANK[each[0]])), tuple(incidents))


def _within(spans: Iterable[Span], start_ms: int) -> Iterator[tuple[Span, int]]:
    for span in spans:
        length_ms = min(span.until_ms, start_ms + DAY_MS) - max(span.since_ms, start_ms)
        if length_ms > 0:
            yield span, length_ms


def _parts(count: int, total: int, what: str) -> str:
    if total == 0:
        return "it is affected"
    return f"{count} of the {total} things that it runs on {'is' if count == 1 else 'are'} {what}"
