"""The heart: one function that judges a batch, or the passing of time, and changes nothing but what can be undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from iotops.rules.abreast import Abreast
from iotops.rules.alert import Alert, AlertKey, Transition
from iotops.rules.clocks import Now
from iotops.rules.compile import Program
from iotops.rules.costs import Costs
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.findings import Findings, RuleFault
from iotops.rules.flights import Flights
from iotops.rules.group_stage import GroupStage
from iotops.rules.intake import Tallies
from iotops.rules.journal import Journal
from iotops.rules.lane import Lane
from iotops.rules.memory import Memory
from iotops.rules.punctual import Heed, Punctual
from iotops.rules.resumption import Resumption
from iotops.rules.sequence import Attempt
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

__all__ = ["Course", "Evaluation", "Now", "evaluate"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a batch, or a tick, meant.

    Attributes:
        transitions: in event-time order; those of one instance in the order in which they happened.
        alerts: the open episode of every instance that changed, None where it has none any more. Episodes that
            resolved are in `transitions`.
        attempts: how far the sequences of instances have come, as far as that changed; None: nothing to know.
        occurrences: alert id -> readings of this batch for which the condition was true while firing.
        last_true_ms: alert id -> event time of the last of them.
        rejected: metric -> values that were missing: null, text in a gauge, outside `valid`.
        late: metric -> values older than the newest; they are in the windows of later evaluations.
        delayed: lateness (ms) -> the same two counts, as rules with that lateness see it.
        faults: rules that raised.
        journal: to be applied after the commit, or dropped after a failure.
    """

    journal: Journal
    transitions: tuple[Transition, ...] = ()
    alerts: Mapping[AlertKey, Alert | None] = field(default_factory=dict)
    occurrences: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)
    faults: tuple[RuleFault, ...] = ()
    last_true_ms: Mapping[str, int] = field(default_factory=dict)
    attempts: Mapping[AlertKey, Attempt | None] = field(default_factory=dict)
    delayed: Mapping[int, Tallies] = field(default_factory=dict)

    @property
    def late_count(self) -> int:
        """Return how many values came too late to be judged, once for each lateness that they exceed."""
        return sum(sum(each.values()) for each in (self.late, *(waited.late for waited in self.delayed.values())))


class Course:
    """One evaluation under way: the two stages over one memory, and what they found."""

    def __init__(self, program: Program, memory: Memory, *, singly: bool = False, punctual: bool = False) -> None:
        memory.adopt(program)
        self._punctual = punctual
        self.memory = memory
        self._program = program
        self._singly = singly
        self.journal = Journal(memory)
        self.findings = Findings(program)
        self.stage = DeviceStage(program, memory, self.journal, self.findings)
        self.group = GroupStage(program, memory, self.findings, self.stage, self.journal)
        self.stage.beyond = self.group if program.group_rules else None
        self.resumption = Resumption(self.stage, self.findings)
        self._flights = Flights(program, memory, self.stage)

    def review(self) -> None:
        """Look through devices that came back from a restart, or whose labels or rules changed."""
        found = self.memory.take_reviews()
        self.group.assembly.seat(self.stage, found)
        for device, changed in found:
            self.resumption.review(device, changed=changed)
            self.group.enrol(device)
        self.group.assembly.settle()
        self.group.run()

    def readings(self, batch: Batch) -> None:
        """Take readings: device by device; in the order of arrival where some rules ask for other devices.

        A device's own rules do not care what others sent in between. Rules that look further must see the others as
        they stood when a reading arrived, or it would matter which readings share a batch.
        """
        found = self._flights.lanes(batch, singly=self._singly, flying=not self._punctual)
        if self._program.group_rules:
            self._abreast(batch, found)
            return
        for lane in found:
            self._through(lane)

    def _through(self, lane: Lane) -> None:
        """Take all readings of a device."""
        stage, readings = self.stage, lane.readings
        while lane.taken < len(readings):
            single = lane.next_single(stage)
            lane.take(single, stage)
            if single < len(readings):
                self._single(lane)

    def _single(self, lane: Lane) -> None:
        reading, row = lane.readings[lane.taken], lane.rows[lane.taken]
        if lane.device is None:
            lane.device = self._device(reading.key, reading)
        self.stage.reading(lane.device, reading, row, lane.sift(self.stage))
        lane.taken += 1

    def _abreast(self, batch: Batch, found: list[Lane]) -> None:
        """Take the readings of all devices in the order of arrival, as far as it matters."""
        if not self._punctual:
            Abreast(self._single, self.stage, self.group, found, self._flights.lane_of).run()
            return
        course = Punctual(self._single, self.stage, self.group, found, self._flights.lane_of)
        course.timers, course.connected_ms = self.timers, batch.connected_ms()
        course.run()

    def _device(self, key: DeviceKey, reading: Reading) -> DeviceMemory:
        device = self.memory.get(key)
        if device is None:
            device = self.memory.introduce(key, reading.received_ms, reading.connected_ms)
            self.journal.created(device)
            self.review()
        return device

    def timers(self, now: Now, row: int, heed: Heed = lambda _device, _connected_ms: True) -> None:
        """Run what is due by now, instant by instant: what one device's timer turns, another's may wait for."""
        self.journal.queue()
        self.journal.tick(now.connected_ms)
        while True:
            group = self.memory.groups.next_due()
            first_ms = now.connected_ms if group is None else min(now.connected_ms, group[0])
            due = self.memory.pop_due(first_ms)
            if due is not None:
                if heed(due.device, due.connected_ms):
                    self.stage.tick(due.device, due.connected_ms, row)
            elif group is not None and group[0] <= now.connected_ms:
                heed(None, group[0])
                self.group.assembly.tick(group[1], group[0], row)
            else:
                return
            self.group.run()
            self.journal.queue()

    def close(self) -> Evaluation:
        """Return what was found."""
        self.journal.queue()
        found = self.findings
        return Evaluation(
            self.journal,
            _in_order_of_time(found.transitions),
            found.alerts,
            found.occurrences,
            found.tallies.rejected,
            found.tallies.late,
            tuple(found.faults),
            found.last_true_ms,
            found.attempts,
            found.delayed,
        )


def evaluate(
    program: Program,
    batch: Batch,
    memory: Memory,
    now: Now,
    *,
    singly: bool = False,
    punctual: bool = False,
    costs: Costs | None = None,
) -> Evaluation:
    """Judge a batch in arrival order, and then what is due by now; an empty batch is a tick.

    No I/O and no clock. Memory is changed in place, but each touched part knows its former state: apply the journal
    after the commit, or drop it, and memory is exactly as before. Timers wait while input is not drained, so that
    what was sent earlier is judged earlier.

    Readings that can turn nothing are found together and need no judgement; with `singly` each is judged nevertheless,
    with the same result. `costs` is told what each rule costs; each is judged then, too. `punctual` says that connected
    times ascend from reading to reading: timers then run between the readings, else behind them.
    """
    course = Course(program, memory, singly=singly or costs is not None, punctual=punctual)
    course.stage.costs = costs
    course.review()
    course.readings(batch)
    if now.drained:
        course.timers(now, len(batch))
    return course.close()


def _in_order_of_time(transitions: Sequence[Transition]) -> tuple[Transition, ...]:
    """Return transitions by event time, and those of one instance as they happened.

    What a device says late may begin an episode at an instant before the end of the last one, which came of what
    other devices had said by then.
    """
    reached: dict[AlertKey, int] = {}
    places = []
    for number, each in enumerate(transitions):
        key = each.alert.key
        reached[key] = max(each.at_ms, reached.get(key, each.at_ms))
        places.append((reached[key], number))
    return tuple(transitions[number] for _, number in sorted(places))
