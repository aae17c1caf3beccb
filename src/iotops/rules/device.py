"""What the engine remembers of one device: its clock, its samples, and its open alerts."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from iotops.rules.alert import Alert
from iotops.rules.series import NEVER, STALE_FACTOR, UNKNOWN_EVERY_MS, Series
from iotops.rules.verdict import Due
from iotops.telemetry.reading import DeviceKey, Reading

if TYPE_CHECKING:
    from iotops.rules.delay import Delay
    from iotops.rules.flock import Flock
    from iotops.rules.plan import Plan
    from iotops.rules.sequence import Attempt

FOREVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What the registry knows of a device. `every_ms` is set where an operator declared it."""

    key: DeviceKey
    labels: Mapping[str, str]
    retired: bool = False
    registered_ms: int = 0
    registered_connected_ms: int = 0
    every_ms: int | None = None


class DeviceMemory:
    """One device.

    Attributes:
        event_ms: last event time; until the device was heard, its registration.
        connected_ms, received_ms: broker-connected time and wall clock when that was received.
        heard_ms: last event time of something that the device itself said (a last will is not).
        ended_ms: event time at which an alert ended last; what time alone began before it is not begun again.
        paused_ms: time during which nobody could hear the device, so far; `age()` does not run then.
        open: rule id -> alert of this device's instance, for alerts that are not resolved.
        dues: rule id -> when to judge it again if nothing comes.
        group_dues: the same for rules that the group stage judges.
        attempts: rule id -> how far its sequence has come.
        emitted: rule id -> last condition values that the group stage took, while they matter.
        flock, place: where what it said lately waits, None where all of it is here; see `Memory.get`.
        delayed: lateness (ms) -> the device as rules with that lateness see it.
        front, lateness_ms: of a view (see `Delay`) the device that it is a view of, and how far it is behind; else
            the device itself, and 0.
    """

    __slots__ = (
        "_mark", "attempts", "connected_ms", "delayed", "dues", "emitted", "ended_ms", "event_ms", "every_ms",
        "facts", "first_ms", "flock", "front", "group_dues", "heard_ms", "heard_paused_ms", "key", "lateness_ms",
        "next_due", "online", "open", "paused_ms", "place", "plan", "queued_ms", "received_ms", "series",
        "started",
    )  # fmt: skip

    def __init__(self, facts: DeviceFacts) -> None:
        self.key = facts.key
        self.facts = facts
        self.plan: Plan | None = None
        self.started = False
        self.event_ms = self.heard_ms = self.received_ms = facts.registered_ms
        self.connected_ms = facts.registered_connected_ms
        self.first_ms = FOREVER
        self.ended_ms = 0
        self.paused_ms = self.heard_paused_ms = 0
        self.every_ms = facts.every_ms or UNKNOWN_EVERY_MS
        self.online: bool | None = None
        self.series: dict[str, Series] = {}
        self.open: dict[str, Alert] = {}
        self.dues: dict[str, Due] = {}
        self.group_dues: dict[str, Due] = {}
        self.attempts: dict[str, Attempt] = {}
        self.emitted: dict[str, Any] = {}
        self.delayed: dict[int, Delay] = {}
        self.flock: Flock | None = None
        self.place = -1
        self.front = self
        self.lateness_ms = 0
        self.next_due: Due | None = None
        self.queued_ms = FOREVER
        self._mark: tuple[Any, ...] | None = None

    def learn_registration(self, facts: DeviceFacts) -> None:
        """Start the clock at the registration, as long as nothing else started it."""
        if not self.series:
            self.event_ms = self.heard_ms = self.received_ms = facts.registered_ms
            self.connected_ms = facts.registered_connected_ms

    def clock_ms(self, connected_ms: int) -> int:
        """Return the device clock at an instant of broker-connected time."""
        return self.event_ms + connected_ms - self.connected_ms

    def connected_at(self, at_ms: int) -> int:
        """Return the broker-connected time at which the device clock reaches an instant, if nothing comes."""
        return self.connected_ms + at_ms - self.event_ms

    def age_ms(self, at_ms: int) -> int:
        """Return for how long nothing was heard, without the time during which nobody could hear."""
        return at_ms - self.heard_ms - (self.paused_ms - self.heard_paused_ms)

    def heard_until_ms(self) -> int:
        """Return until when events that did not come are known not to have happened."""
        return self.heard_ms + STALE_FACTOR * self.every_ms if self.started else NEVER

    def pause(self, reading: Reading, at_ms: int) -> None:
        """Count the time since the last reading for which the broker could not be heard."""
        wall_ms = reading.received_ms - self.received_ms
        away_ms = wall_ms - (reading.connected_ms - self.connected_ms)
        # No longer than since it was heard, or a word from it would bring nearer what waits for its silence.
        self.paused_ms += max(0, min(away_ms, at_ms - max(self.event_ms, self.heard_ms)))

    def tick(self, at_ms: int, received_ms: int, connected_ms: int) -> None:
        """Move the clock to a reading's event time."""
        self.event_ms = at_ms
        self.received_ms = received_ms
        self.connected_ms = connected_ms

    def learn_every(self) -> bool:
        """Take the smallest interval of the metrics as the device's; return whether it became smaller."""
        if self.facts.every_ms is not None:
            return False
        known = [series.every_ms for series in self.series.values() if series.every_ms is not None]
        before, self.every_ms = self.every_ms, min(known, default=UNKNOWN_EVERY_MS)
        return self.every_ms < before

    def schedule(self, rule: str, due: Due | None) -> None:
        """Set or forget when a rule is to be judged again."""
        if due is None:
            if self.dues.pop(rule, None) is None:
                return
        else:
            self.dues[rule] = due
        self.next_due = min(self.dues.values()) if self.dues else None

    @property
    def instance(self) -> str:
        """Return the name of the instances that are about this device."""
        return str(self.key)

    @property
    def site(self) -> str:
        """Return the device's site."""
        return self.key.site

    @property
    def device(self) -> DeviceKey:
        """Return the device's key: an instance of a device is about that device."""
        return self.key

    def note_end(self, at_ms: int) -> None:
        """Note that an alert ended at an instant: what time alone began before it is not begun again."""
        self.ended_ms = max(self.ended_ms, at_ms)

    def forget(self, rule: str) -> None:
        """Forget when to judge a rule again, and what was kept for it."""
        self.schedule(rule, None)
        self.group_dues.pop(rule, None)
        self.emitted.pop(rule, None)

    def judged_until(self, alert: Alert | None) -> Due:
        """Return the instant up to which the device, and one of its alerts, were judged."""
        until_ms = self.ended_ms if alert is None else alert.checked_ms
        return Due(self.event_ms, past=False) if until_ms <= self.event_ms else Due(until_ms, past=True)

    def soonest_ms(self) -> int | None:
        """Return the instant on the device's clock at which anything is due next."""
        own_ms = self.soonest_own_ms()
        if not self.group_dues:
            return own_ms
        group_ms = min(self.group_dues.values()).at_ms
        return group_ms if own_ms is None else min(group_ms, own_ms)

    def soonest_own_ms(self) -> int | None:
        """Return the same without what the group stage judges."""
        own_ms = None if self.next_due is None else self.next_due.at_ms
        for lateness_ms, delay in self.delayed.items():
            at_ms = delay.soonest_ms()
            if at_ms is not None and (own_ms is None or at_ms + lateness_ms < own_ms):
                own_ms = at_ms + lateness_ms
        return own_ms

    def seen_by(self, lateness_ms: int) -> "DeviceMemory":
        """Return the device as rules with a lateness see it."""
        return self.delayed[lateness_ms].view if lateness_ms in self.delayed else self

    def mark(self) -> bool:
        """Remember the small state; return whether it was not yet remembered."""
        if self._mark is not None:
            return False
        self._mark = (
            _small(self),
            len(self.series),
            *[table.copy() if table else None for table in _tables(self)],
        )
        for delay in self.delayed.values():
            delay.mark()
        return True

    def drop(self) -> None:
        """Return to the remembered state. The series are dropped by the journal."""
        if self._mark is None:
            return
        small, series, *tables = self._mark
        for name, value in zip(_SMALL, small, strict=True):
            setattr(self, name, value)
        for name in list(self.series)[series:]:  # a dict remembers in which order its keys came
            del self.series[name]
        for name, table in zip(_TABLES, tables, strict=True):
            setattr(self, name, table or {})
        self.next_due = min(self.dues.values(), default=None)
        self._mark = None
        for delay in self.delayed.values():
            delay.drop()

    def apply(self) -> None:
        """Forget the remembered state."""
        self._mark = None
        for delay in self.delayed.values():
            delay.apply()


_SMALL: Final = (
    "event_ms", "connected_ms", "received_ms", "heard_ms", "heard_paused_ms", "paused_ms", "first_ms", "every_ms",
    "online", "started", "ended_ms",
)  # fmt: skip
_TABLES: Final = ("open", "dues", "group_dues", "attempts", "emitted")
_small = attrgetter(*_SMALL)
_tables = attrgetter(*_TABLES)
