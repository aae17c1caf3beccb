"""First stage: one device's readings and timers, in its own time. Rules that look no further are judged here.

For rules that look beyond the device, condition values are emitted, which the group stage consumes.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Sequence

from iotops.rules.alert import Alert
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.contradiction import contradicted
from iotops.rules.costs import Costs
from iotops.rules.delay import Arrival
from iotops.rules.device import DeviceMemory
from iotops.rules.emission import Emission, Order, Reply, Turn
from iotops.rules.evidence import printed
from iotops.rules.findings import Findings
from iotops.rules.intake import instant_of, is_heard, move_clock, take
from iotops.rules.journal import Journal
from iotops.rules.lifecycle import next_due
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.plan import Plan, in_order, rank
from iotops.rules.renewal import crossing_of
from iotops.rules.twins import align
from iotops.rules.values import Truth
from iotops.rules.verdict import Due, earlier, either, waking
from iotops.telemetry.reading import Kind, Reading

Sift = Callable[[DeviceMemory, Sequence[CompiledRule]], Sequence[CompiledRule]]
"""Finds, of rules that read what a reading says, those which it may turn, once it is in the device's memory."""


class DeviceStage:
    """Judges the devices of one evaluation; `emitted` is what it leaves to the group stage."""

    def __init__(self, program: Program, memory: Memory, journal: Journal, findings: Findings) -> None:
        self.emitted: list[Emission | Reply | Turn] = []
        self.costs: Costs | None = None
        self.before_looking: Callable[[DeviceMemory], None] | None = None
        self._program = program
        self.journal = journal
        self._findings = findings
        self._memory = memory
        self.moment = Moment(memory)
        self._live: set[tuple[DeviceMemory, str]] = set()
        self._row = self._connected_ms = self._number = 0

    def reading(self, device: DeviceMemory, reading: Reading, row: int, sift: Sift | None = None) -> None:
        """Take one reading: run the timers due before it, merge its values, judge the rules that read them.

        `sift`: finds those of them that it may turn; None: any.
        """
        if reading.retained and reading.kind is not Kind.STATUS:
            return  # last-known state, of unknown age: never a sample
        plan = self.plan_of(device)
        self.journal.touch(device)
        self._row, self._connected_ms = row, reading.connected_ms
        at_ms = instant_of(device, reading)
        before_ms, paused_ms = device.event_ms if device.started else None, device.paused_ms
        if at_ms > device.event_ms:
            device.pause(reading, at_ms)
            self._pass_time(device, at_ms - 1)
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
            self._turn(device, "", Due(device.event_ms, past=False))

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
            names = [name for name, at in device.dues.items() if at == due]
            for name in names:
                device.schedule(name, None)
            rules = in_order(plan.by_id[name] for name in names if name in plan.by_id)
            self.judge(device, plan, rules, due, counts=False)

    def tick(self, device: DeviceMemory, connected_ms: int, row: int) -> None:
        """Run a device's timers up to its clock at an instant of broker-connected time."""
        self.journal.touch(device)
        self._row = row
        until_ms = device.clock_ms(connected_ms)
        while (at_ms := device.soonest_own_ms()) is not None and at_ms <= until_ms:
            self._connected_ms = device.connected_at(at_ms)
            self._pass_time(device, at_ms)
        self._connected_ms = connected_ms
        self._turn(device, "", Due(until_ms, past=True))

    def review(self, device: DeviceMemory, *, changed: bool) -> None:
        """Look through a device that came back from a restart, or whose rules or labels (`changed`) are others now."""
        plan = self.plan_of(device)
        self.journal.touch(device)
        self.journal.reviewed(device, changed=changed)
        self._row, self._connected_ms = -1, device.connected_ms
        reason = "retired" if device.facts.retired else "no longer matched"
        for name in [name for name in device.open if name not in plan.by_id or plan.by_id[name].is_group]:
            self._findings.end(device, name, device.event_ms, reason)
            self.turned(device, name)
        for name in [name for name in device.attempts if name not in plan.by_id]:
            self._findings.note_attempt(device, name, None)
        self._review(device, plan, changed=changed)
        for delay in device.delayed.values():
            self._review(delay.view, self.plan_of(delay.view), changed=changed)

    def _review(self, device: DeviceMemory, plan: Plan, *, changed: bool) -> None:
        for rule in plan.rules:
            alert = device.open.get(rule.id)
            if rule.is_group:
                continue
            if alert is not None and not changed:
                self._resume(device, rule, alert)
            elif alert is None and rule.in_group:
                self._resume_silent(device, rule)
            elif alert is not None or rule.crossings:
                self.judge(device, plan, (rule,), device.judged_until(alert), counts=False)
            elif rule.id in device.attempts:
                self.moment.at(device, device.event_ms, False, rule.asof_ms(device))
                device.schedule(rule.id, self._attempt_due(device, rule))

    def _resume(self, device: DeviceMemory, rule: CompiledRule, alert: Alert) -> None:
        """Set the timers of an alert as they were. Judging it would be too early: late samples wait for the next."""
        due = device.judged_until(alert)
        moment = self.moment
        moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        _, wake_ms = rule.freshness(moment)
        # What is due at the very time of the last reading may still be due: samples precede timers.
        since = due if due.past else Due(due.at_ms - 1, past=True)
        if rule.in_group:
            may_be = either(tuple(when(moment) for when in rule.may_be))
            device.emitted[rule.id] = self._emission(device, rule, due, may_be, counts=False)
            held = next_due(rule.machine, alert, None, since)
            held = earlier(held, self._attempt_due(device, rule))
            if held is not None:
                device.group_dues[rule.id] = held
            device.schedule(rule.id, earlier(waking(wake_ms), crossing_of(rule, self.moment)))
        else:
            held = earlier(next_due(rule.machine, alert, wake_ms, since), self._attempt_due(device, rule))
            device.schedule(rule.id, earlier(held, crossing_of(rule, self.moment)))

    def _attempt_due(self, device: DeviceMemory, rule: CompiledRule) -> Due | None:
        """Return when the attempt at a rule's sequence is due; what is due at the moment itself still is."""
        if rule.sequence is None:
            return None
        return rule.sequence.next_due(self.moment, device.attempts.get(rule.id), self.moment.at_ms - 1)

    def _resume_silent(self, device: DeviceMemory, rule: CompiledRule) -> None:
        """Have the values of a rule at hand that only waits for another device."""
        emission = self.emission_now(device, rule, device.event_ms)
        if emission is None:
            device.schedule(rule.id, crossing_of(rule, self.moment))
            return
        device.emitted[rule.id] = emission
        held = self._attempt_due(device, rule)
        if held is not None:
            device.group_dues[rule.id] = held
        if emission.may_be:
            self.emitted.append(emission)

    def turned(self, device: DeviceMemory, rule: str) -> None:
        """Tell the rules of the device, and the group stage, that an alert ended from outside of its condition."""
        due = device.judged_until(None)
        self._turn(device, rule, due)
        plan = self.plan_of(device)
        self.judge(device, plan, plan.dependants.get(rule, ()), due, counts=False)
        for asker in plan.askers.get(rule, ()):
            there = device.seen_by(asker.lateness_ms)
            self.judge(there, self.plan_of(there), (asker,), there.judged_until(None), counts=False)

    def truth_now(self, device: DeviceMemory, rule: CompiledRule) -> Truth:
        """Judge the condition of an open alert's rule where the device stands, without consequences."""
        device = device.seen_by(rule.lateness_ms)
        due = device.judged_until(device.open[rule.id])
        self.moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        return either(tuple(when(self.moment) for when in rule.may_be or rule.whens))

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
            self.reply(device, rule, due, counts=counts, judged=True)
        if rule.is_group:
            return False
        moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        if rule.in_group:
            self._emit(device, rule, due, counts=counts)
            return False
        sequence_due = self._findings.follow(device, rule, moment)
        tiers = rule.tiers(moment)
        if True not in tiers and rule.id not in device.open:
            if rule.crossings or rule.sequence is not None:
                device.schedule(rule.id, earlier(sequence_due, crossing_of(rule, moment)))
            return False
        verdict = rule.verdict(moment, tiers, *rule.freshness(moment))
        flipped, next_due = self._findings.settle(device, rule, verdict, moment, None, counts=counts)
        device.schedule(rule.id, earlier(earlier(next_due, sequence_due), crossing_of(rule, self.moment)))
        if flipped:
            self._turn(device, rule.id, due)
        return flipped

    def reply(self, device: DeviceMemory, rule: CompiledRule, due: Due, *, counts: bool, judged: bool) -> None:
        """Tell the group stage what the device says to a rule's surveys."""
        answers = tuple(survey.answer(self.moment, device, due) for survey in rule.surveys)
        self.emitted.append(Reply(self._order(), device, rule, due, answers, counts, judged))

    def _emit(self, device: DeviceMemory, rule: CompiledRule, due: Due, *, counts: bool) -> None:
        """Hand the condition's values to the group stage, unless nothing can come of them."""
        moment = self.moment
        truths = [when(moment) for when in rule.may_be]
        live = rule.id in device.emitted or rule.id in device.open or (device, rule.id) in self._live
        if not live and truths.count(False) == len(truths):
            device.schedule(rule.id, crossing_of(rule, self.moment))
            return
        emission = self._emission(device, rule, due, either(tuple(truths)), counts=counts)
        self._live.add((device, rule.id))
        self.emitted.append(emission)
        device.schedule(rule.id, earlier(waking(emission.wake_ms), crossing_of(rule, self.moment)))

    def _emission(self, device: DeviceMemory, rule: CompiledRule, due: Due, may_be: Truth, *, counts: bool) -> Emission:
        moment = self.moment
        lapsed, wake_ms = rule.freshness(moment)
        return Emission(
            self._order(),
            device,
            rule,
            due,
            tuple(slot.read(moment) for slot in rule.slots),
            printed(rule, moment),
            may_be,
            lapsed,
            wake_ms,
            counts,
        )

    def emission_now(self, device: DeviceMemory, rule: CompiledRule, at_ms: int) -> Emission | None:
        """Return what the group stage needs of a device that had nothing to say; None where a tier cannot be true."""
        due = Due(at_ms, past=False)
        moment = self.moment
        moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        may_be = either(tuple(when(moment) for when in rule.may_be))
        if may_be is False:
            return None
        emission = self._emission(device, rule, due, may_be, counts=False)
        device.schedule(rule.id, earlier(waking(emission.wake_ms), crossing_of(rule, self.moment)))
        return emission

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
        return begun or rule.id in device.emitted or (device, rule.id) in self._live

    def is_live(self, device: DeviceMemory, rules: Iterable[str]) -> bool:
        """Tell whether the group stage was told of any of these rules on a device, by this evaluation or before."""
        if device.emitted and not device.emitted.keys().isdisjoint(rules):
            return True
        return bool(self._live) and any((device, rule) in self._live for rule in rules)

    def _turn(self, device: DeviceMemory, rule: str, at: Due) -> None:
        if self._program.group_rules:
            self.emitted.append(Turn(self._order(), device.front, rule, at))

    def _order(self) -> Order:
        self._number += 1
        return Order(self._row, self._connected_ms, self._number)
