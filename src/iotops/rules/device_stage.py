"""First stage: one device's readings and timers, in its own time. Rules that look no further are judged here.

For rules that look beyond the device, condition values are emitted, which the group stage consumes.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence

from iotops.rules.approach import Beyond, approach_of
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.contradiction import contradicted
from iotops.rules.costs import Costs
from iotops.rules.delay import Arrival
from iotops.rules.device import DeviceMemory
from iotops.rules.findings import Findings
from iotops.rules.intake import instant_of, is_heard, move_clock, take
from iotops.rules.journal import Journal
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.outbox import Outbox
from iotops.rules.plan import Plan, in_order, rank
from iotops.rules.renewal import crossing_of, put_off
from iotops.rules.twins import align
from iotops.rules.verdict import Due, earlier
from iotops.telemetry.reading import Kind, Reading

Sift = Callable[[DeviceMemory, Sequence[CompiledRule]], Sequence[CompiledRule]]
"""Finds, of rules that read what a reading says, those which it may turn, once it is in the device's memory."""


class DeviceStage:
    """Judges the devices of one evaluation; `outbox` is what it leaves to the group stage.

    Attributes:
        beyond: has to keep step while time passes on a device up to a reading; None where no rule looks further.
    """

    def __init__(self, program: Program, memory: Memory, journal: Journal, findings: Findings) -> None:
        self.costs: Costs | None = None
        self.before_looking: Callable[[DeviceMemory], None] | None = None
        self.beyond: Beyond | None = None
        self._program = program
        self.journal = journal
        self._findings = findings
        self._memory = memory
        self.moment = Moment(memory)
        self.outbox = Outbox(self.moment, is_read=bool(program.group_rules))

    def reading(self, device: DeviceMemory, reading: Reading, row: int, sift: Sift | None = None) -> None:
        """Take one reading: run the timers due before it, merge its values, judge the rules that read them.

        `sift`: finds those of them that it may turn; None: any.
        """
        if reading.retained and reading.kind is not Kind.STATUS:
            return  # last-known state, of unknown age: never a sample
        plan = self.plan_of(device)
        self.journal.touch(device)
        self.outbox.stand_at(row, reading.connected_ms)
        at_ms = instant_of(device, reading)
        before_ms, paused_ms = device.event_ms if device.started else None, device.paused_ms
        if at_ms > device.event_ms:
            device.pause(reading, at_ms)
            self._approach(device, reading, at_ms)
        self._enter(device, plan, reading, at_ms, sift=sift)
        if before_ms is not None and at_ms < before_ms:
            self._compare(device, plan, reading)
        if device.delayed:
            arrival = Arrival(reading, at_ms, before_ms, device.paused_ms - paused_ms)
            for delay in device.delayed.values():
                late, early = delay.receive(arrival, self._let_in, self._insert)
                self._findings.note_wait(delay, reading if late else None, early)
                if late:
                    self._compare(delay.view, self.plan_of(delay.view), reading)

    def _approach(self, device: DeviceMemory, reading: Reading, at_ms: int) -> None:
        """Run what is due before a reading, while neither the device nor what looks at it from outside knows of it."""
        beyond = self.beyond
        if beyond is None:
            self._pass_time(device, at_ms - 1)
            return
        beyond.approach(approach_of(device, reading, at_ms))
        self._pass_time(device, at_ms - 1)
        beyond.arrive()

    def _compare(self, device: DeviceMemory, plan: Plan, reading: Reading) -> None:
        """See whether a late reading contradicts what is open on a device."""
        if device.open and reading.kind is Kind.TELEMETRY:
            for alert in contradicted(self._memory, device, plan.touched(tuple(reading.values)), reading):
                self._findings.contradict(device, alert)

    def _let_in(self, view: DeviceMemory, reading: Reading, at_ms: int) -> None:
        """Take a reading into the view that rules have which waited for what comes late."""
        if at_ms > view.event_ms:
            self.run_timers(view, at_ms - 1)
        self._enter(view, self.plan_of(view), reading, at_ms)

    def _insert(self, view: DeviceMemory, reading: Reading, at_ms: int) -> None:
        """Take a reading that came later than rules waited; it is judged only where no newer value waits."""
        held = view.front.delayed[view.lateness_ms].held
        newest = all(each.reading.values.keys().isdisjoint(reading.values) for each in held)
        self._enter(view, self.plan_of(view), reading, at_ms, judged=newest)

    def _enter(
        self,
        device: DeviceMemory,
        plan: Plan,
        reading: Reading,
        at_ms: int,
        *,
        judged: bool = True,
        sift: Sift | None = None,
    ) -> None:
        """Merge a reading's values at an instant, and judge the rules that read them."""
        new = not device.started
        move_clock(device, reading, at_ms)
        tallies = self._findings.tallies_of(device)
        newest = take(self._program, device, reading, at_ms, journal=self.journal, tallies=tallies)
        # An age comes due earlier than planned only where a shorter interval, or the device's own clock, became known.
        sooner = (plan.uses_every and device.learn_every()) or new
        rules: Sequence[CompiledRule] = self._touched(device, plan, reading, newest, sooner=sooner)
        if sift is not None:
            rules = sift(device, rules)
        if rules and judged:
            self.judge(device, plan, rules, Due(max(at_ms, device.event_ms), past=False), counts=True)
        if plan.looks_beyond:
            self.outbox.turn(device, "", Due(device.event_ms, past=False))

    def _pass_time(self, device: DeviceMemory, until_ms: int) -> None:
        """Run what is due up to an instant of a device's clock, of the device itself and of what waits, in order."""
        while device.delayed and (at_ms := device.soonest_own_ms()) is not None and at_ms <= until_ms:
            self.run_timers(device, at_ms)
            for lateness_ms, delay in device.delayed.items():
                delay.pass_time(at_ms - lateness_ms, self._let_in, self.run_timers)
        self.run_timers(device, until_ms)

    def run_timers(self, device: DeviceMemory, until_ms: int) -> None:
        """Judge what comes due on the device's clock up to an instant, in order."""
        plan = self.plan_of(device)
        while device.next_due is not None and device.next_due.at_ms <= until_ms:
            due = device.next_due
            if self.beyond is not None:
                self.beyond.catch_up(Due(due.at_ms + device.lateness_ms, due.past))
            names = [name for name, at in device.dues.items() if at == due]
            for name in names:
                device.schedule(name, None)
            rules = in_order(plan.by_id[name] for name in names if name in plan.by_id)
            lapsing = [rule for rule in rules if not put_off(rule, device, due, self.moment)]
            self.judge(device, plan, lapsing, due, counts=False)

    def tick(self, device: DeviceMemory, connected_ms: int, row: int) -> None:
        """Run a device's timers up to its clock at an instant of broker-connected time."""
        self.journal.touch(device)
        until_ms = device.clock_ms(connected_ms)
        while (at_ms := device.soonest_own_ms()) is not None and at_ms <= until_ms:
            self.outbox.stand_at(row, device.connected_at(at_ms))
            self._pass_time(device, at_ms)
        self.outbox.stand_at(row, connected_ms)
        self.outbox.turn(device, "", Due(until_ms, past=True))

    def plan_of(self, device: DeviceMemory) -> Plan:
        """Return the device's plan under the program."""
        if device.plan is None:
            align(self._program, device)
        assert device.plan is not None  # noqa: S101  for the type checker
        return device.plan

    def judge(self, device: DeviceMemory, plan: Plan, rules: Iterable[CompiledRule], due: Due, *, counts: bool) -> None:
        """Judge rules at one instant, and after each that turned those of the device that ask for it."""
        pending = list(rules)
        for number, rule in enumerate(pending, 1):
            if rule.id in self._program.quarantined:
                continue
            began_ns = self.costs.clock() if self.costs is not None else 0
            try:
                flipped = self._judge(device, rule, due, counts=counts)
            except Exception as error:  # noqa: BLE001  one rule's bug must not stop telemetry or other rules
                self._findings.fault(device, rule, error)
                continue
            if self.costs is not None:
                self.costs.add(rule.id, began_ns)
            if flipped:
                later = {waiting.id for waiting in pending[number:]}
                for dependant in plan.dependants.get(rule.id, ()):
                    if dependant.id not in later:
                        insort(pending, dependant, lo=number, key=rank)
                self._tell(device.front, rule, due)

    def _tell(self, device: DeviceMemory, rule: CompiledRule, due: Due) -> None:
        """Judge the rules of a device with another lateness that ask for one that turned: now, where they are."""
        for asker in self.plan_of(device).askers.get(rule.id, ()):
            there = device.seen_by(asker.lateness_ms)
            here_ms = due.at_ms + rule.lateness_ms - asker.lateness_ms
            at = Due(max(here_ms, there.event_ms), due.past)
            self.judge(there, self.plan_of(there), (asker,), at, counts=False)

    def _judge(self, device: DeviceMemory, rule: CompiledRule, due: Due, *, counts: bool) -> bool:
        moment = self.moment
        if rule.surveys:
            self.outbox.reply(device, rule, due, counts=counts, judged=True)
        if rule.is_group:
            return False
        moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        if rule.in_group:
            self.outbox.emit(device, rule, due, counts=counts)
            return False
        sequence_due = self._findings.follow(device, rule, moment, sampled=counts)
        tiers = rule.tiers(moment)
        if True not in tiers and rule.id not in device.open:
            if rule.crossings or rule.sequence is not None:
                device.schedule(rule.id, earlier(sequence_due, crossing_of(rule, moment)))
            return False
        verdict = rule.verdict(moment, tiers, *rule.freshness(moment))
        flipped, next_due = self._findings.settle(device, rule, verdict, moment, None, counts=counts)
        device.schedule(rule.id, earlier(earlier(next_due, sequence_due), crossing_of(rule, self.moment)))
        if flipped:
            self.outbox.turn(device, rule.id, due)
        return flipped

    def _touched(
        self, device: DeviceMemory, plan: Plan, reading: Reading, newest: tuple[str, ...], *, sooner: bool
    ) -> tuple[CompiledRule, ...]:
        """Return the rules that a reading may turn."""
        rules = plan.touched(newest) if newest else ()
        status = reading.kind is Kind.STATUS
        if not (plan.age_rules or plan.event_rules or status):
            return rules
        extra: list[CompiledRule] = list(plan.online_rules) if status else []
        if plan.age_rules and is_heard(reading):
            extra += [
                rule for rule in plan.age_rules if sooner or rule.begins_when_heard or self._is_underway(device, rule)
            ]
        for rule in plan.event_rules:
            if rule.surveys or any(device.series[name].times for name in rule.events if name in device.series):
                extra.append(rule)
        return in_order((*rules, *extra)) if extra else rules

    def _is_underway(self, device: DeviceMemory, rule: CompiledRule) -> bool:
        begun = rule.id in device.open or rule.id in device.attempts or bool(rule.surveys)
        return begun or rule.id in device.emitted or self.outbox.is_live(device, (rule.id,))
