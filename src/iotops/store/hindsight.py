"""The engine as it stands, or stood at an instant: run once more over what is stored of the devices that matter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from iotops.durations import format_instant
from iotops.errors import NotFound
from iotops.rules.alert import Alert, AlertKey
from iotops.rules.authoring.replay import replay, run_timers
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.store import alerts, attempts, fleet, heartbeats, slots
from iotops.store.alerts import AlertFilter
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.store.replay import log_of
from iotops.store.statuses import last_statuses
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

LOOK_BACK_MS: Final = 86_400_000  # at least a day: paces are learned from gaps, and counting windows have no span
MOST_BACK_MS: Final = 31 * 86_400_000  # an episode older than that is not run through again
ALIVE_MS: Final = 10_000  # an ingest that gave no sign for so long counts no connected time
_EPISODES: Final = 200


@dataclass(frozen=True, slots=True)
class Hindsight:
    """The engine's memory of some devices at an instant of the first one's clock, timers run up to it.

    Attributes:
        notes: where it may differ from what the ingest knew then, in sentences.
    """

    memory: Memory
    at_ms: int
    notes: tuple[str, ...] = ()


def as_it_stands(unit: Unit, program: Program, key: AlertKey, now_ms: int) -> Hindsight:
    """Return the engine's memory of an instance now, as a restart of the ingest would find it.

    Raises:
        NotFound: no such device.
    """
    cast = _cast(unit, program, key)
    newest_ms = cast.first.last_event_ms or cast.first.first_seen_ms
    readings = list(log_of(unit, cast.key_of, newest_ms - cast.look_back_ms))
    memory = cast.memory()
    memory.remember(program, Batch(readings))
    memory.remember(program, Batch(last_statuses(memory, cast.devices.values())))
    memory.restore_alerts(alert for alert in alerts.load_open(unit) if alert.device in cast.devices)
    places = {str(place) for place in cast.devices}
    memory.restore_attempts({key: each for key, each in attempts.load(unit).items() if key.instance in places})
    connected_ms = _connected_ms(unit, now_ms)
    run_timers(program, memory, connected_ms)
    device = memory.introduce(cast.first.key) if (held := memory.get(cast.first.key)) is None else held
    return Hindsight(memory, device.clock_ms(max(connected_ms, device.connected_ms)))


def as_it_stood(unit: Unit, program: Program, key: AlertKey, at_ms: int) -> Hindsight:
    """Return the engine's memory of an instance at an instant of event time, judged again from before that.

    Raises:
        NotFound: no such device.
    """
    cast = _cast(unit, program, key)
    first = cast.first.key
    episode = _episode(unit, key, at_ms)
    began_ms = at_ms if episode is None else max(episode.began_ms, at_ms - MOST_BACK_MS)
    memory = cast.memory()
    log = log_of(unit, cast.key_of, began_ms - cast.look_back_ms)
    replay(program, takewhile(lambda reading: not _is_later(reading, first, at_ms), log), memory)
    device = memory.introduce(first) if (held := memory.get(first)) is None else held
    run_timers(program, memory, device.connected_at(at_ms))
    notes = []
    if not device.started:
        notes.append(f"no telemetry of {first} from before {format_instant(at_ms)} is stored")
    elif device.first_ms > began_ms - cast.look_back_ms + LOOK_BACK_MS:
        notes.append(f"the stored telemetry of {first} begins at {format_instant(device.first_ms)}, and so do windows")
    again = device.open.get(key.rule)
    if episode is not None and (again is None or again.id != episode.id):
        began = format_instant(episode.began_ms)
        notes.append(f"an alert that began at {began} is on record; today's rule, over what is stored, finds it not")
    return Hindsight(memory, at_ms, tuple(notes))


def facts_of(device: Device) -> DeviceFacts:
    """Return what rules know of a registered device."""
    labels = {"name": device.key.device, **device.labels, "site": device.key.site, "device": device.key.device}
    return DeviceFacts(
        key=device.key,
        labels=labels,
        retired=device.lifecycle == "retired",
        registered_ms=device.first_seen_ms,
        registered_connected_ms=device.first_connected_ms,
    )


@dataclass(frozen=True, slots=True)
class _Cast:
    """The device of an instance, those that its rule asks for by labels, and how far back the rules look."""

    first: Device
    devices: Mapping[DeviceKey, Device]
    look_back_ms: int

    @property
    def key_of(self) -> Mapping[int, DeviceKey]:
        return {device.id: key for key, device in self.devices.items()}

    def memory(self) -> Memory:
        memory = Memory()
        for device in self.devices.values():
            memory.register(facts_of(device))
        return memory


def _cast(unit: Unit, program: Program, key: AlertKey) -> _Cast:
    known = {device.key: device for device in fleet.every(unit)}
    first = known.get(_device_of(key))
    if first is None:
        msg = f"device {key.instance} is not registered; `iotops devices list` shows those that are"
        raise NotFound(msg)
    devices = {first.key: first}
    pending, seen, look_back_ms = [(first.key, key.rule)], set[tuple[DeviceKey, str]](), LOOK_BACK_MS
    while pending:
        asked = pending.pop(0)
        if asked in seen or asked[0] not in known:
            continue
        seen.add(asked)
        device = devices[asked[0]] = known[asked[0]]
        compiled = program.plan_of(facts_of(device)).by_id.get(asked[1])
        if compiled is not None:
            look_back_ms += _look_back_ms(compiled)
            pending += _asked(device, compiled)
    return _Cast(first, devices, look_back_ms)


def _asked(device: Device, rule: CompiledRule) -> Iterator[tuple[DeviceKey, str]]:
    for cause, label in sorted(rule.notes.causes, key=str):
        if label is None:
            yield device.key, cause
        elif value := device.labels.get(label):
            site, _, name = value.rpartition("/")
            yield DeviceKey(site or device.key.site, name), cause


def _device_of(key: AlertKey) -> DeviceKey:
    site, _, name = key.instance.partition("/")
    return DeviceKey(site, name)


def _look_back_ms(rule: CompiledRule) -> int:
    spans_ms = max(rule.notes.spans_ms.values(), default=0)
    steps = rule.rule.sequence.steps if rule.rule.sequence is not None else ()
    spans_ms += sum(step.within_ms or 0 for step in steps)
    return 2 * spans_ms + max(rule.machine.hold_ms, default=0) + rule.machine.keep_ms


def _is_later(reading: Reading, key: DeviceKey, at_ms: int) -> bool:
    return reading.key == key and reading.kind is not Kind.STATUS and reading.at_ms > at_ms


def _episode(unit: Unit, key: AlertKey, at_ms: int) -> Alert | None:
    """Return the recorded episode of the instance that an instant lies in."""
    chosen = AlertFilter({"rule": [key.rule], "instance": [key.instance]})
    for kept in alerts.page(unit, chosen, limit=_EPISODES):
        ended_ms = kept.alert.resolved_ms
        if kept.alert.began_ms <= at_ms and (ended_ms is None or at_ms < ended_ms):
            return kept.alert
    return None


def _connected_ms(unit: Unit, now_ms: int) -> int:
    """Return the count of connected time now; it stands still while no ingest is at work."""
    state = slots.state(unit)
    sign = heartbeats.latest(unit).get("ingest")
    alive = sign is not None and now_ms - sign.at_ms < ALIVE_MS and bool(sign.data.get("ready"))
    return state.connected_ms + (max(0, now_ms - state.updated_ms) if alive else 0)
