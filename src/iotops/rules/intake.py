"""How a reading enters a device's memory: its clock first, then its values."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.journal import Journal
from iotops.rules.plan import REMEMBERED, Plan, Taken
from iotops.rules.readers import PRESENCE
from iotops.rules.rule import MetricSpec
from iotops.rules.series import Series
from iotops.rules.values import NUMBERS
from iotops.telemetry.reading import Kind, Reading, Value

LIVE_MS: Final = 300_000  # a device whose last time was within `max_skew` (5m) of its receipt lives in our time
_NUMERIC: Final = frozenset({"gauge", "counter"})


@dataclass(slots=True)
class Tallies:
    """Metric -> values that were missing or refused, values that came late, and readings judged too early."""

    rejected: Counter[str] = field(default_factory=Counter)
    late: Counter[str] = field(default_factory=Counter)
    early: int = 0


def instant_of(device: DeviceMemory, reading: Reading) -> int:
    """Return where on the device's clock a reading belongs.

    That is its event time. A status happens no earlier than where the device's clock stands: a last will that was left
    with the broker may bear the time at which the device connected. Only a time later than everything heard from the
    device, and not long ago on its clock, is taken as it is; else it would move with every delay on the way.
    One without a time was stamped on receipt (the last will by the broker's side of the world): for a device that
    replays the past, it happens on the device's clock instead.
    """
    if reading.kind is not Kind.STATUS:
        return reading.at_ms
    clock_ms = device.clock_ms(reading.connected_ms)
    stamped = reading.at_ms != reading.received_ms
    if stamped and reading.at_ms > device.event_ms and clock_ms - reading.at_ms < LIVE_MS:
        return reading.at_ms
    live = device.received_ms - device.event_ms < LIVE_MS
    if stamped or live or not device.started:
        return max(clock_ms, reading.at_ms)
    return clock_ms


def move_clock(device: DeviceMemory, reading: Reading, at_ms: int) -> None:
    """Move the device's clock to a reading, and note whether the device itself was heard. A late one moves nothing."""
    first = reading.kind is not Kind.STATUS and not device.started
    if at_ms > device.event_ms or first:
        device.tick(at_ms, reading.received_ms, reading.connected_ms)
    if first:
        device.started, device.first_ms = True, at_ms
    if is_heard(reading):
        heard_ms = device.clock_ms(reading.connected_ms) if at_ms < device.event_ms else at_ms
        device.heard_ms = heard_ms if first else max(device.heard_ms, heard_ms)
        device.heard_paused_ms = device.paused_ms


def is_heard(reading: Reading) -> bool:
    """Tell whether the device itself has just said something: a last will and a retained message say nothing of now."""
    return not reading.retained and (reading.kind is not Kind.STATUS or reading.values.get("online") is True)


def take(
    program: Program, device: DeviceMemory, reading: Reading, at_ms: int, *, journal: Journal, tallies: Tallies
) -> tuple[str, ...]:
    """Merge the values of a reading; return the metrics whose newest value they are. The device has its plan."""
    if reading.kind is Kind.STATUS:
        return _take_presence(device, reading, at_ms, journal)
    newest: list[str] = []
    plan = device.plan
    assert plan is not None  # noqa: S101  for the type checker
    for metric, value in reading.values.items():
        taken = plan.taken[metric] if metric in plan.taken else taking(program, plan, metric)
        if taken is None:
            continue
        spec = taken.spec
        series = device.series.get(metric)
        if series is None:
            series = device.series[metric] = Series(spec.every_ms if spec and not taken.event else None)
        journal.touch_series(device, metric, series)
        accepted = value if spec is None else _accepted(spec, value)
        if accepted is None:
            tallies.rejected[metric] += 1
        if series.add(at_ms, accepted, declared=taken.declared, paused_ms=device.paused_ms):
            newest.append(metric)
            if accepted is not None and (taken.seasons or series.models):
                series.learn(taken.seasons, at_ms, accepted)
        else:
            tallies.late[metric] += 1
    return tuple(newest)


def taking(program: Program, plan: Plan, metric: str) -> Taken | None:
    """Return how values of a metric are taken under a plan; None where nothing that they say matters."""
    found = None
    if plan.uses_every or metric in plan.kept:
        spec = program.spec(metric)
        event = metric == "event" if spec is None else spec.kind == "event"
        kept = plan.kept.get(metric)
        seasons = frozenset(kept.seasons) if kept else frozenset()
        found = Taken(spec, event, event or (spec is not None and spec.every_ms is not None), seasons)
    if len(plan.taken) < REMEMBERED:
        plan.taken[metric] = found
    return found


def _take_presence(device: DeviceMemory, reading: Reading, at_ms: int, journal: Journal) -> tuple[str, ...]:
    online = reading.values.get("online")
    device.online = online if isinstance(online, bool) else None
    series = device.series.get(PRESENCE)
    if series is None:
        series = device.series[PRESENCE] = Series()
    journal.touch_series(device, PRESENCE, series)
    series.add(at_ms, device.online, declared=True, paused_ms=device.paused_ms)
    return ()


def _accepted(spec: MetricSpec, value: Value | None) -> Value | None:
    """Return the value, or None where the catalogue says that it cannot be: it is missing then."""
    if spec.kind in _NUMERIC and value.__class__ not in NUMBERS:
        return None
    if spec.valid is not None and value.__class__ in NUMBERS:
        assert value is not None and not isinstance(value, str)  # noqa: S101, PT018  for the type checker
        return value if spec.valid[0] <= value <= spec.valid[1] else None
    return value
