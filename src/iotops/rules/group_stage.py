"""Second stage: rules that look beyond one device, on one owner, in the order in which things arrived."""

from dataclasses import replace
from typing import Final

from iotops.rules.approach import Approach
from iotops.rules.assembly import Assembly
from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.emission import Emission, Order, Reply, Turn
from iotops.rules.findings import Findings
from iotops.rules.group import Group
from iotops.rules.journal import Journal
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.verdict import Due, earlier
from iotops.telemetry.reading import DeviceKey

SAME_TIME_MS: Final = 86_400_000  # devices whose clocks are further apart share no time base (one replays 2013)


class GroupStage:
    """Judges instances from what the device stage emitted; `assembly` are the groups."""

    def __init__(
        self, program: Program, memory: Memory, findings: Findings, stage: DeviceStage, journal: Journal
    ) -> None:
        self.assembly = Assembly(program, memory, journal, findings)
        self.assembly.court.flipped = self._group_flipped
        self.assembly.shifted = self._group_shifted
        self._program = program
        self._memory = memory
        self._journal = journal
        self._findings = findings
        self._stage = stage
        self._outbox = stage.outbox
        self._moment = Moment(memory)

    def run(self) -> None:
        """Consume what the device stage emitted."""
        while self._outbox.emitted:
            emitted, self._outbox.emitted = self._outbox.emitted, []
            for item in sorted(emitted, key=_order):
                self._consume(item)

    # While a reading is about to enter its device's memory

    def approach(self, nearing: Approach) -> None:
        """Take note of a reading that comes next on its device."""
        self.assembly.nearing = nearing

    def catch_up(self, until: Due) -> None:
        """Consume what was emitted, and run what is due beyond the device before an instant, in order.

        Where no reading is near, timers are run one by one, and nothing is left to catch up with.
        """
        nearing = self.assembly.nearing
        if nearing is None:
            return
        device = nearing.device
        self.run()
        while True:
            own = min(device.group_dues.values(), default=until)
            first = self.assembly.next_before(nearing, min(own, until))
            if first is not None:
                self.assembly.run(first[1], first[0], self._outbox.order())
            elif own < until:
                self._run_soonest(device, self._outbox.order())
            else:
                return
            self.run()

    def arrive(self) -> None:
        """Catch up with the instant of the reading, which enters next."""
        if self.assembly.nearing is not None:
            self.catch_up(Due(self.assembly.nearing.event_ms, past=False))
            self.assembly.nearing = None

    def enrol(self, device: DeviceMemory) -> None:
        """Have the instances of a device follow their groups, after it was looked through."""
        for rule in self._stage.plan_of(device).rules:
            for survey in () if rule.is_group else rule.surveys:
                group = self._memory.groups.find(rule.id, survey.labels, device.facts.labels)
                self._enliven(group, device, rule.id)

    def _consume(self, item: Emission | Reply | Turn) -> None:
        if isinstance(item, Emission):
            self._run_timers(item.device, item.at, item.order)
            item.device.emitted[item.rule.id] = item
            self._judge(item, item.at, item.order, counts=item.counts)
        elif isinstance(item, Reply):
            self.assembly.hear(item)
        elif item.rule:
            self._turned(item.device, item.rule, item.at, item.order)
        else:
            self._run_timers(item.device, item.at, item.order)
            self.assembly.advance(item.device, item.order)

    def _run_timers(self, device: DeviceMemory, until: Due, order: Order) -> None:
        """Judge what comes due on a device's clock before an instant."""
        while device.group_dues and min(device.group_dues.values()) < until:
            self._run_soonest(device, order)

    def _run_soonest(self, device: DeviceMemory, order: Order) -> None:
        """Judge the instance of a device that is due first."""
        self._run_due(device, min(device.group_dues, key=lambda name: device.group_dues[name]), order)

    def _run_until(self, device: DeviceMemory, rule: str, until: Due, order: Order) -> None:
        """Judge one instance at each of its own timers before an instant."""
        while (due := device.group_dues.get(rule)) is not None and due < until:
            self._run_due(device, rule, order)

    def _run_due(self, device: DeviceMemory, rule: str, order: Order) -> None:
        self._journal.touch(device)
        due = device.group_dues.pop(rule)
        emission = device.emitted.get(rule)
        if emission is not None:
            self._judge(emission, due, order, counts=False)

    def _judge(self, emission: Emission, at: Due, order: Order, *, counts: bool) -> None:
        device, rule, moment = emission.device, emission.rule, self._moment
        if rule.id in self._program.quarantined:
            return
        moment.at(device, at.at_ms, at.past, device.event_ms)
        moment.values = emission.values
        groups = [moment.group(rule.id, survey.labels) for survey in rule.surveys]
        try:
            sequence_due = self._findings.follow(device, rule, moment, sampled=counts)
            # The device stage emits again when something lapses, so the instance itself need not wake up for it.
            verdict = rule.verdict(moment, rule.tiers(moment), emission.lapsed or rule.others_lapsed(moment), None)
            prints = None if rule.prints_across else emission.prints
            flipped, due = self._findings.settle(device, rule, verdict, moment, prints, counts=counts)
        except Exception as error:  # noqa: BLE001  one rule's bug must not stop telemetry or other rules
            self._findings.fault(device, rule, error)
            return
        due = earlier(due, sequence_due)
        device.group_dues.pop(rule.id, None)
        if due is not None:
            device.group_dues[rule.id] = due
        if emission.may_be is False and rule.id not in device.open:
            device.emitted.pop(rule.id, None)
        for group in groups:
            self._enliven(group, device, rule.id)
        if flipped:
            self._turned(device, rule.id, at, order)

    def _enliven(self, group: Group | None, device: DeviceMemory, rule: str) -> None:
        """Have an instance follow its group while that can matter: a median alone begins nothing, it only ends."""
        if group is not None:
            live = rule in device.open or (bool(group.survey.polls) and rule in device.emitted)
            if live is not (device.key in group.live):
                self._journal.touch_group(group)
                group.enliven(device.key, live=live)

    # Consequences

    def _group_flipped(self, group: Group, at: Due, order: Order) -> None:
        self._turned(group, group.rule.id, at, order)

    def _group_shifted(self, group: Group, key: DeviceKey, at: Due, order: Order) -> None:
        device = self._memory.get(key)
        if device is not None:
            self._again(device, group.rule.id, at, order)

    def _turned(self, cause: DeviceMemory | Group, rule: str, at: Due, order: Order) -> None:
        """Judge the instances that ask for a rule which began or ceased to fire."""
        for name, label in self._program.dependants.get(rule, ()):
            concerned = self._concerned(cause, label)
            if name in self._program.per:
                for group in self._asking(name, cause, label):
                    self.assembly.judge_at(group, at, order)
            for device in concerned:
                self._again(device, name, at, order, (rule, label))

    def _concerned(self, cause: DeviceMemory | Group, label: str | None) -> list[DeviceMemory]:
        """Return the devices that a cause covers, or those whose label names one of these."""
        covered = self._memory.covered(cause) if isinstance(cause, Group) else [cause]
        if label is None:
            return covered
        return [device for each in covered for device in self._memory.linking(each.key, label)]

    def _asking(self, rule: str, cause: DeviceMemory | Group, label: str | None) -> list[Group]:
        """Return the groups of a rule whose own instance is covered by a cause, or whose label names a device of it."""
        groups = self._memory.groups.of_rule(rule)
        if label is not None:
            origins = self._memory.covered(cause) if isinstance(cause, Group) else [cause]
            return [group for group in groups if self._memory.linked(group, label) in origins]
        if not isinstance(cause, Group):
            return []
        wanted = cause.facts.labels.items()
        return [group for group in groups if wanted <= group.facts.labels.items()]

    def _again(
        self,
        device: DeviceMemory,
        name: str,
        at: Due,
        order: Order,
        cause: tuple[str, str | None] | None = None,
    ) -> None:
        """Judge a device's instance of a rule, and ask the device what it says to groups, for something beyond it."""
        rule = self._stage.plan_of(device).by_id.get(name)
        if rule is None:
            return
        if self._stage.before_looking is not None:
            self._stage.before_looking(device)
        self._journal.touch(device)
        here = self._time_there(device, at, order.connected_ms)
        if cause is not None and any(cause in notes.causes for notes in rule.asked):
            self._outbox.reply(device, rule, here, counts=False, judged=False)
        if rule.is_group:
            return
        emission = device.emitted.get(name) or self._outbox.emission_now(device, rule, here.at_ms)
        if emission is None:
            return
        there = max(emission.at, here)
        self._run_until(device, name, there, order)
        device.emitted[name] = emission
        self._judge(replace(emission, rule=rule), there, order, counts=False)

    def _time_there(self, device: DeviceMemory, at: Due, connected_ms: int) -> Due:
        """Return an instant of another device on this device's clock: the same, where they share a time base."""
        clock_ms, nearing = device.clock_ms(connected_ms), self.assembly.nearing
        if nearing is not None and nearing.device is device:
            clock_ms = max(clock_ms, min(at.at_ms, nearing.event_ms))
        return at if abs(at.at_ms - clock_ms) <= SAME_TIME_MS else Due(clock_ms, past=False)


def _order(item: Emission | Reply | Turn) -> Order:
    return item.order
