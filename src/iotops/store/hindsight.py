"""The engine as it stands, or stood at an instant: run once more over what is stored of the devices that matter."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

from iotops.durations import format_duration, format_instant
from iotops.errors import NotFound
from iotops.rules.alert import Alert, AlertKey
from iotops.rules.authoring.replay import replay, run_timers
from iotops.rules.compile import Program
from iotops.rules.device import DeviceFacts
from iotops.rules.lookup import subject_of
from iotops.rules.memory import Memory
from iotops.store import alerts, attempts, fleet, heartbeats, slots
from iotops.store.alerts import AlertFilter
from iotops.store.cast import Cast, cast_of
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.store.replay import log_of
from iotops.store.statuses import last_statuses
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

LOOK_BACK_MS: Final = 86_400_000  # at least a day: paces are learned from gaps, and counting windows have no span
MOST_BACK_MS: Final = 31 * 86_400_000  # an episode older than that is not run through again
LEAST_BACK_MS: Final = 3_600_000  # however many devices there are
DEVICES_A_DAY: Final = 50  # of which a day is gone through; of more it is less, for it is as many readings
ALIVE_MS: Final = 10_000  # an ingest that gave no sign for so long counts no connected time
_EPISODES: Final = 200


@dataclass(frozen=True, slots=True)
class Hindsight:
    """The engine's memory of some devices at an instant of the clock of an instance, timers run up to it.

    Attributes:
        notes: where it may differ from what the ingest knew then, in sentences.
    """

    memory: Memory
    at_ms: int
    notes: tuple[str, ...] = ()


def as_it_stands(unit: Unit, program: Program, key: AlertKey, now_ms: int) -> Hindsight:
    """Return the engine's memory of an instance now, as a restart of the ingest would find it.

    Raises:
        NotFound: no such device, or no such group.
    """
    stage = _Stage.set_for(unit, program, key)
    memory = stage.memory()
    memory.remember(program, Batch(list(stage.log(stage.newest_ms))))
    memory.remember(program, Batch(last_statuses(memory, stage.devices.values())))
    memory.restore_alerts(
        alert for alert in alerts.load_open(unit) if alert.device in stage.devices or alert.key in stage.cast.groups
    )
    places = {str(place) for place in stage.devices}
    memory.restore_attempts({key: each for key, each in attempts.load(unit).items() if key.instance in places})
    connected_ms = _connected_ms(unit, now_ms)
    run_timers(program, memory, connected_ms)
    subject = subject_of(memory, key)
    at_ms = now_ms if subject is None else subject.clock_ms(max(connected_ms, subject.connected_ms))
    return Hindsight(memory, at_ms)


def as_it_stood(unit: Unit, program: Program, key: AlertKey, at_ms: int) -> Hindsight:
    """Return the engine's memory of an instance at an instant of event time, judged again from before that.

    Raises:
        NotFound: no such device, or no such group.
    """
    stage = _Stage.set_for(unit, program, key)
    episode = _episode(unit, key, at_ms)
    began_ms = at_ms if episode is None else max(episode.began_ms, at_ms - stage.most_back_ms)
    memory = stage.memory()
    run_timers(program, memory, 0)  # groups are formed
    replay(program, stage.log_until(began_ms, at_ms, memory), memory)
    subject = subject_of(memory, key)
    if subject is None:
        return Hindsight(memory, at_ms)
    run_timers(program, memory, subject.connected_at(at_ms))
    return Hindsight(memory, at_ms, tuple(_doubts(stage, memory, at_ms, began_ms, episode)))


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
class _Stage:
    """Where an instance is judged again: those who play a part in it, and what is stored of them.

    Attributes:
        devices: their rows.
    """

    unit: Unit
    key: AlertKey
    cast: Cast
    devices: Mapping[DeviceKey, Device]

    @classmethod
    def set_for(cls, unit: Unit, program: Program, key: AlertKey) -> Self:
        known = {device.key: device for device in fleet.every(unit)}
        cast = cast_of(program, {place: facts_of(device) for place, device in known.items()}, key)
        if not cast.members:
            is_group = key.rule in program.per
            what = (
                f"no device is in the group {key.instance}" if is_group else f"device {key.instance} is not registered"
            )
            msg = f"{what}; `iotops devices list` shows those that are there, and their labels"
            raise NotFound(msg)
        return cls(unit, key, cast, {place: known[place] for place in cast.devices})

    @property
    def newest_ms(self) -> int:
        """Return the event time of the newest reading of the instance; what was never heard was registered."""
        members = [self.devices[place] for place in self.cast.members]
        return max(device.last_event_ms or device.first_seen_ms for device in members)

    @property
    def look_back_ms(self) -> int:
        """Return how much is gone through before anything is asked."""
        return self.cast.spans_ms + max(LEAST_BACK_MS, LOOK_BACK_MS // max(1, len(self.devices) // DEVICES_A_DAY))

    @property
    def most_back_ms(self) -> int:
        """Return how far back an episode is run through again."""
        return max(LEAST_BACK_MS, MOST_BACK_MS // len(self.devices))

    def memory(self) -> Memory:
        memory = Memory()
        for device in self.devices.values():
            memory.register(facts_of(device))
        return memory

    def log(self, from_ms: int) -> Iterator[Reading]:
        """Yield what the devices sent from an instant on, and before it as far as rules look back."""
        key_of = {device.id: place for place, device in self.devices.items()}
        return log_of(self.unit, key_of, from_ms - self.look_back_ms)

    def log_until(self, from_ms: int, at_ms: int, memory: Memory) -> Iterator[Reading]:
        """Yield the same up to an instant of the clock of the instance.

        What its own devices sent counts by its time; what others sent, and what was said about any of them, by when
        it came: memory, which follows, says what that clock shows then.
        """
        members = set(self.cast.members)
        for reading in self.log(from_ms):
            if reading.key in members and reading.kind is not Kind.STATUS:
                received_ms = (
                    reading.received_ms if self.key in self.cast.groups else reading.at_ms
                )  # a group's clock is no later
                if min(reading.at_ms, received_ms) > at_ms:
                    return
                yield reading
            elif (subject := subject_of(memory, self.key)) is None or subject.connected_at(
                at_ms
            ) >= reading.connected_ms:
                yield reading


def _doubts(stage: _Stage, memory: Memory, at_ms: int, began_ms: int, episode: Alert | None) -> Iterator[str]:
    """Yield where what was judged again may differ from what the ingest judged then."""
    members = [device for place in stage.cast.members if (device := memory.get(place)) is not None]
    heard = [device for device in members if device.started]
    whose = stage.key.instance
    if not heard:
        yield f"no telemetry of {whose} from before {format_instant(at_ms)} is stored"
    elif (first_ms := min(device.first_ms for device in heard)) > began_ms - stage.look_back_ms + LOOK_BACK_MS:
        yield f"the stored telemetry of {whose} begins at {format_instant(first_ms)}, and so do windows"
    subject = subject_of(memory, stage.key)
    again = None if subject is None else subject.open.get(stage.key.rule)
    if episode is None or (again is not None and again.id == episode.id):
        return
    began = format_instant(episode.began_ms)
    if episode.began_ms < began_ms:
        back = format_duration(stage.most_back_ms)
        yield f"an alert that began at {began} is on record; only {back} are judged again here, so it is not found"
    else:
        yield f"an alert that began at {began} is on record; today's rule, over what is stored, finds it not"


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
