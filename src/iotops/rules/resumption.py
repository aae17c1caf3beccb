"""What a device's alerts need after a restart, after a reload, and when one of them was ended from outside."""

from iotops.rules.alert import Alert
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.findings import Findings
from iotops.rules.lifecycle import next_due
from iotops.rules.plan import Plan
from iotops.rules.renewal import crossing_of
from iotops.rules.values import Truth
from iotops.rules.verdict import Due, earlier, either, waking


class Resumption:
    """Sets timers as they were, and judges again what has to be; the stage judges."""

    def __init__(self, stage: DeviceStage, findings: Findings) -> None:
        self._stage = stage
        self._findings = findings
        self._moment = stage.moment

    def review(self, device: DeviceMemory, *, changed: bool) -> None:
        """Look through a device that came back from a restart, or whose rules or labels (`changed`) are others now."""
        plan = self._stage.plan_of(device)
        self._stage.journal.touch(device)
        self._stage.journal.reviewed(device, changed=changed)
        self._stage.outbox.stand_at(-1, device.connected_ms)
        reason = "retired" if device.facts.retired else "no longer matched"
        for name in [name for name in device.open if name not in plan.by_id or plan.by_id[name].is_group]:
            self._findings.end(device, name, device.event_ms, reason)
            self.turned(device, name)
        for name in [name for name in device.attempts if name not in plan.by_id or plan.by_id[name].is_group]:
            self._findings.note_attempt(device, name, None)
        self._review(device, plan, changed=changed)
        for delay in device.delayed.values():
            self._review(delay.view, self._stage.plan_of(delay.view), changed=changed)

    def _review(self, device: DeviceMemory, plan: Plan, *, changed: bool) -> None:
        for rule in plan.rules:
            alert = device.open.get(rule.id)
            if rule.is_group:
                continue
            if alert is not None and not changed:
                self._resume(device, rule, alert)
            elif alert is None and rule.in_group:
                self._resume_silent(device, rule)
            elif alert is not None or rule.crossings or (rule.follows_only and rule.id not in device.attempts):
                self._stage.judge(device, plan, (rule,), device.judged_until(alert), counts=False)
            elif rule.id in device.attempts:
                self._moment.at(device, device.event_ms, False, rule.asof_ms(device))
                device.schedule(rule.id, self._attempt_due(device, rule))

    def _resume(self, device: DeviceMemory, rule: CompiledRule, alert: Alert) -> None:
        """Set the timers of an alert as they were. Judging it would be too early: late samples wait for the next."""
        due = device.judged_until(alert)
        moment = self._moment
        moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        _, wake_ms = rule.freshness(moment)
        # What is due at the very time of the last reading may still be due: samples precede timers.
        since = due if due.past else Due(due.at_ms - 1, past=True)
        if rule.in_group:
            may_be = either(tuple(when(moment) for when in rule.may_be))
            device.emitted[rule.id] = self._stage.outbox.emission(device, rule, due, may_be, counts=False)
            held = next_due(rule.machine, alert, None, since)
            held = earlier(held, self._attempt_due(device, rule))
            if held is not None:
                device.group_dues[rule.id] = held
            device.schedule(rule.id, earlier(waking(wake_ms), crossing_of(rule, self._moment)))
        else:
            held = earlier(next_due(rule.machine, alert, wake_ms, since), self._attempt_due(device, rule))
            device.schedule(rule.id, earlier(held, crossing_of(rule, self._moment)))

    def _attempt_due(self, device: DeviceMemory, rule: CompiledRule) -> Due | None:
        """Return when the attempt at a rule's sequence is due; what is due at the moment itself still is."""
        if rule.sequence is None:
            return None
        return rule.sequence.next_due(self._moment, device.attempts.get(rule.id), self._moment.at_ms - 1)

    def _resume_silent(self, device: DeviceMemory, rule: CompiledRule) -> None:
        """Have the values of a rule at hand that only waits for another device."""
        emission = self._stage.outbox.emission_now(device, rule, device.event_ms)
        if emission is None:
            device.schedule(rule.id, crossing_of(rule, self._moment))
            return
        device.emitted[rule.id] = emission
        held = self._attempt_due(device, rule)
        if held is not None:
            device.group_dues[rule.id] = held
        if emission.may_be or (rule.follows_only and rule.id not in device.attempts):
            self._stage.outbox.emitted.append(emission)

    def turned(self, device: DeviceMemory, rule: str) -> None:
        """Tell the rules of the device, and the group stage, that an alert ended from outside of its condition."""
        due = device.judged_until(None)
        self._stage.outbox.turn(device, rule, due)
        plan = self._stage.plan_of(device)
        self._stage.judge(device, plan, plan.dependants.get(rule, ()), due, counts=False)
        for asker in plan.askers.get(rule, ()):
            there = device.seen_by(asker.lateness_ms)
            self._stage.judge(there, self._stage.plan_of(there), (asker,), there.judged_until(None), counts=False)

    def truth_now(self, device: DeviceMemory, rule: CompiledRule) -> Truth:
        """Judge the condition of an open alert's rule where the device stands, without consequences."""
        device = device.seen_by(rule.lateness_ms)
        due = device.judged_until(device.open[rule.id])
        self._moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        return either(tuple(when(self._moment) for when in rule.may_be or rule.whens))
