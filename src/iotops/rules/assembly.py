"""The groups of one evaluation: who belongs to them, what their devices say, and what that means for their alerts."""

from collections.abc import Callable, Iterable

from iotops.rules.approach import Approach
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.court import AT_REST, Court
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.emission import Order, Reply
from iotops.rules.findings import Findings
from iotops.rules.group import Group, GroupClock, GroupKey, clock_of
from iotops.rules.journal import Journal
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.seating import Seating, places, reached, why_unseated
from iotops.rules.surveys import Answer, Survey
from iotops.rules.verdict import Due
from iotops.telemetry.reading import DeviceKey

Shifted = Callable[[Group, DeviceKey, Due, Order], None]
"""Called for a device whose own instance follows a group, when what the group says changed."""


class Assembly:
    """Brings groups along with their devices.

    A group's clock is the greatest of its devices' clocks, each the earlier of event time and receive time. Before it
    moves, what is due before is run. On it a device is stale, too: what a device said counts until its metrics are
    older than `stale` as the group sees it, whether the device is silent or its clock runs behind.

    Attributes:
        nearing: the reading that comes next, while time passes on its device up to it.
    """

    def __init__(self, program: Program, memory: Memory, journal: Journal, findings: Findings) -> None:
        self._program = program
        self._memory = memory
        self._groups = memory.groups
        self._journal = journal
        self._findings = findings
        self._moment = Moment(memory)
        self._seating = Seating()
        self.court = Court(program, self._moment, journal, findings)
        self.shifted: Shifted = _nobody_follows
        self.nearing: Approach | None = None

    # Membership

    def seat(self, stage: DeviceStage, devices: Iterable[tuple[DeviceMemory, bool]]) -> None:
        """Have devices in the groups of their labels and rules, and in no others; `settle` draws the consequences."""
        for device, changed in devices:
            wanted = places(stage.plan_of(device).rules, device.facts)
            for group in self._groups.of_device(device.key):
                if group.group_key not in wanted:
                    self._leave(group, device)
            for key, (rule, survey) in wanted.items():
                self._join(key, rule, survey, device, changed=changed)

    def settle(self) -> None:
        """Judge the groups whose devices changed, set the timers of those that came back, end those without devices."""
        seating, self._seating = self._seating, Seating()
        for key, group in seating.formed.items():
            self._catch_up(group)
            self.court.resume(group, reached(group, self._memory.ticked_ms), changed=key in seating.changed)
        for key, group in seating.altered.items():
            if group.tally.answers:
                self._follow(group, group.judged_until, AT_REST, counts=False, shifted=True)
            else:
                self.court.close(group, seating.reasons.get(key, "no longer matched"))
        for alert in self._groups.end_waiting():
            reason = why_unseated(self._program.rule_set.rules.get(alert.key.rule), alert)
            self._findings.end_alert(alert, alert.checked_ms, reason)
        for instance in self._groups.end_attempts():
            self._findings.attempts[instance] = None

    def _leave(self, group: Group, device: DeviceMemory) -> None:
        self._journal.touch_group(group)
        self._groups.leave(group, device.key)
        self._seating.altered[group.group_key] = group
        self._seating.reasons[group.group_key] = "retired" if device.facts.retired else "no longer matched"

    def _join(self, key: GroupKey, rule: CompiledRule, survey: Survey, device: DeviceMemory, *, changed: bool) -> None:
        group = self._groups.find(rule.id, key.labels, device.facts.labels)
        if group is None:
            group = Group(key, rule, survey)
            self._journal.touch_group(group)
            self._groups.form(group)
            self._seating.formed[key] = group
        self._journal.touch_group(group)
        clock = clock_of(device)
        if key in self._seating.formed:
            group.clock = max(group.clock, clock)
        else:
            self._advance(group, clock, AT_REST)
        if device.key not in group.tally.answers:
            at = Due(device.event_ms, past=False)
            answer = survey.momentary(survey.answer(self._moment, device, at), device, at, at)
            self._groups.join(group, device.key, answer)
            if key not in self._seating.formed:
                self._seating.altered[key] = group
        elif changed:
            answer = survey.answer(self._moment, device, Due(device.event_ms, past=False))
            self._take(group, device.key, answer, group.judged_until)
            self._seating.altered[key] = group
        group.enliven(device.key, live=rule.id in device.open)
        if changed:
            self._seating.changed.add(key)

    def _catch_up(self, group: Group) -> None:
        """Have the answers of a group that came back as they were: those that time had turned by then ask anew."""
        now = reached(group, self._memory.ticked_ms)
        while (turn := group.tally.next_turn()) is not None and (turn[0] < now or (turn[0] == now and now.past)):
            group.put(turn[1], self._asked(group, turn[1], now))

    # What devices say

    def advance(self, device: DeviceMemory, order: Order) -> None:
        """Move the clocks of a device's groups to its last reading, and run what is due before."""
        clock = clock_of(device)
        for group in self._groups.of_device(device.key):
            self._advance(group, clock, order)

    def next_before(self, nearing: Approach, until: Due) -> tuple[Due, Group] | None:
        """Return what is due first, before an instant, in the groups that a reading is about to move, and in which."""
        found: tuple[Due, Group] | None = None
        until = min(until, Due(nearing.clock.at_ms, past=False))
        for group in self._groups.of_device(nearing.device.key):
            due = group.soonest() if nearing.clock > group.clock else None
            if due is not None and due < until and (found is None or due < found[0]):
                found = due, group
        return found

    def hear(self, reply: Reply) -> None:
        """Take what a device says to the surveys of a rule."""
        device, rule = reply.device, reply.rule
        for survey, said in zip(rule.surveys, reply.answers, strict=True):
            group = self._groups.find(rule.id, survey.labels, device.facts.labels)
            if group is None or device.key not in group.tally.answers:
                continue
            now = self._reach(group, reply)
            before, answer = self._take(group, device.key, survey.momentary(said, device, reply.at, now), now)
            besides = device.key if reply.judged else None
            self._follow(group, now, reply.order, counts=reply.counts, shifted=before.differs(answer), besides=besides)

    def _reach(self, group: Group, reply: Reply) -> Due:
        """Bring a group to the instant of an answer, and return where the group stands then.

        A reading moves the group's clock. A timer of the device does not: what it turned is seen when it was due.
        """
        device, order = reply.device, reply.order
        if reply.at == Due(device.event_ms, past=False):
            self._advance(group, clock_of(device), order)
        until_ms = max(group.clock.at_ms, clock_of(device).at_ms, group.clock_ms(order.connected_ms))
        if self.nearing is not None and self.nearing.device is device:
            until_ms = max(until_ms, self.nearing.clock.at_ms)
        here = min(reply.at, Due(until_ms, reply.at.past))
        self._run_until(group, here, order)
        return max(here, Due(group.clock.at_ms, past=False))

    def tick(self, group: Group, connected_ms: int, row: int) -> None:
        """Run what is due on a group's clock up to an instant of broker-connected time."""
        self._groups.taken(group)
        until_ms = group.clock_ms(connected_ms)
        while (due := group.soonest()) is not None and due.at_ms <= until_ms:
            self.run(group, due, Order(row, connected_ms, 0))
        self._journal.touch_group(group)

    def judge_at(self, group: Group, instant: Due, order: Order) -> None:
        """Judge a group because of something else that happened at an instant, after what was due before."""
        at = max(instant, group.judged_until)
        self._run_until(group, at, order)
        self.court.judge(group, at, order, counts=False)

    def _advance(self, group: Group, clock: GroupClock, order: Order) -> None:
        if clock > group.clock:
            self._journal.touch_group(group)
            self._run_until(group, Due(clock.at_ms, past=False), order)
            group.clock = clock

    def _run_until(self, group: Group, until: Due, order: Order) -> None:
        while (due := group.soonest()) is not None and due < until:
            self.run(group, due, order)

    def run(self, group: Group, due: Due, order: Order) -> None:
        """Ask again the devices whose answer time may have turned by now, and judge the group then."""
        self._journal.touch_group(group)
        shifted = False
        while (turn := group.tally.next_turn()) is not None and turn[0] <= due:
            before = group.tally.answers[turn[1]]
            answer = self._asked(group, turn[1], due)
            group.put(turn[1], answer)
            shifted |= before.differs(answer)
        self._follow(group, due, order, counts=False, shifted=shifted)

    def _take(self, group: Group, key: DeviceKey, answer: Answer, now: Due) -> tuple[Answer, Answer]:
        """Take one answer; one that time has turned already, as the group sees it, is asked for again.

        Returns:
            The answer before, and the one taken.
        """
        self._journal.touch_group(group)
        if answer.turn is not None and answer.turn < now:
            answer = self._asked(group, key, now)
        return group.put(key, answer) or answer, answer

    def _asked(self, group: Group, key: DeviceKey, at: Due) -> Answer:
        device = self._memory.get(key)
        assert device is not None  # noqa: S101  a device that is forgotten has left its groups
        plan = device.plan or self._program.plan_of(device.facts)
        rule = plan.by_id.get(group.rule.id, group.rule)
        survey = next(survey for survey in rule.surveys if survey.labels == group.survey.labels)
        return survey.answer(self._moment, device, at)

    def _follow(
        self, group: Group, at: Due, order: Order, *, counts: bool, shifted: bool, besides: DeviceKey | None = None
    ) -> None:
        """Judge what depends on a group: its own alert, and those of devices that follow it."""
        if group.has_instance:
            if shifted or group.open or group.due is not None or not group.judged:
                self.court.judge(group, at, order, counts=counts)
        elif shifted:
            for key in sorted(group.live - {besides}):
                self.shifted(group, key, at, order)


def _nobody_follows(_group: Group, _key: DeviceKey, _at: Due, _order: Order) -> None:
    """Stand in until the group stage listens."""
