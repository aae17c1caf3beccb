"""What an evaluation found, collected while it runs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from iotops.rules.alert import MODE, Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.delay import Delay
from iotops.rules.device import DeviceMemory
from iotops.rules.evidence import evidence, printed, summary
from iotops.rules.intake import Tallies
from iotops.rules.lifecycle import Step, advance, born, next_due
from iotops.rules.moment import FIRING, Moment
from iotops.rules.sequence import Attempt
from iotops.rules.subject import Subject
from iotops.rules.verdict import Due, Verdict
from iotops.telemetry.reading import Reading

_TOLD: Final = frozenset({Change.FIRED, Change.ESCALATED, Change.EASED, Change.RESOLVED})
"""Changes at which the summary is rendered, with the values of that moment."""


@dataclass(frozen=True, slots=True)
class RuleFault:
    """A rule raised an error on a device: a bug, or input nobody thought of. Telemetry and other rules went on."""

    rule: str
    device: str
    error: str


@dataclass(slots=True)
class Findings:
    """Transitions, alert rows, counts and faults so far. `alerts`: None where an instance has no alert any more."""

    program: Program
    transitions: list[Transition] = field(default_factory=list)
    alerts: dict[AlertKey, Alert | None] = field(default_factory=dict)
    attempts: dict[AlertKey, Attempt | None] = field(default_factory=dict)
    occurrences: Counter[str] = field(default_factory=Counter)
    last_true_ms: dict[str, int] = field(default_factory=dict)
    faults: list[RuleFault] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    delayed: dict[int, Tallies] = field(default_factory=dict)
    _views: dict[int, Tallies] = field(default_factory=dict)

    def tallies_of(self, device: DeviceMemory) -> Tallies:
        """Return where values are counted that enter a device, or a view of one."""
        if not device.lateness_ms:
            return self.tallies
        return self._views.setdefault(device.lateness_ms, Tallies(rejected=self._waiting(device.lateness_ms).rejected))

    def note_wait(self, delay: Delay, late: Reading | None, early: int) -> None:
        """Count a reading that came later than a lateness, and readings that could not wait as long as it is."""
        if late is None and not early:
            return
        tallies = self._waiting(delay.lateness_ms)
        tallies.early += early
        if late is not None:
            tallies.late.update(metric for metric in late.values if metric in delay.view.series)

    def _waiting(self, lateness_ms: int) -> Tallies:
        return self.delayed.setdefault(lateness_ms, Tallies())

    def follow(self, subject: Subject, rule: CompiledRule, moment: Moment, *, sampled: bool) -> Due | None:
        """Bring a rule's sequence to a moment, of a sample or of a timer, and tell the moment whether it completed.

        Returns:
            When to look at it again if nothing comes.
        """
        if rule.sequence is None:
            return None
        before = subject.attempts.get(rule.id)
        after, moment.completed = rule.sequence.advance(moment, before, sampled=sampled)
        if after != before:
            self.note_attempt(subject, rule.id, after)
        return rule.sequence.next_due(moment, after, moment.at_ms - sampled)

    def note_attempt(self, subject: Subject, rule: str, attempt: Attempt | None) -> None:
        """Keep how far a sequence has come; None: nothing to know about it."""
        if attempt is None:
            subject.attempts.pop(rule, None)
        else:
            subject.attempts[rule] = attempt
        self.attempts[AlertKey(rule, subject.instance)] = attempt

    def settle(
        self,
        subject: Subject,
        rule: CompiledRule,
        verdict: Verdict,
        moment: Moment,
        prints: tuple[Any, ...] | None,
        *,
        counts: bool,
    ) -> tuple[bool, Due | None]:
        """Bring an instance to what was judged.

        Args:
            subject: whose instance, a device or a group.
            rule: the rule, judged.
            verdict: what is known.
            moment: when; evidence is read at it.
            prints: values of the summary's placeholders; None: read them at the moment if they are needed.
            counts: a stored reading was judged, so it is an occurrence where the condition is true while firing.

        Returns:
            Whether the instance began or ceased to fire, and when to judge it again if nothing comes.
        """
        before = subject.open.get(rule.id)
        if before is None and verdict.truth is not True:
            return False, None
        at_ms = moment.at_ms
        if before is None:
            alert = born(rule.rule, rule.machine, subject, verdict, at_ms)
        else:
            alert = before
            at_ms = max(at_ms, alert.checked_ms)  # what was decided later on the device's clock stays decided
        after, steps = advance(rule.machine, alert, verdict, at_ms)
        if before is None and after is not None and not steps:
            steps = [Step(Change.PENDING, "", after)]
        if steps or after is not before:
            after = self._keep(subject, rule, after, steps, moment, prints=prints, at_ms=at_ms)
        if counts and verdict.truth and after is not None and after.state in FIRING:
            self.occurrences[after.id] += 1
            self.last_true_ms[after.id] = moment.at_ms
        flipped = (before is not None and before.state in FIRING) is not (after is not None and after.state in FIRING)
        due = (
            next_due(rule.machine, after, verdict.wake_ms, Due(at_ms, moment.edge_ms > moment.at_ms)) if after else None
        )
        return flipped, due

    def contradict(self, device: DeviceMemory, alert: Alert) -> None:
        """Note that a late sample contradicts what an alert fired on; the alert stays as it is."""
        device.open[alert.key.rule] = self.alerts[alert.key] = alert
        at_ms = max(device.event_ms, alert.checked_ms)
        self.transitions.append(Transition(Change.CONTRADICTED, at_ms, alert, "late sample"))

    def promote(self, subject: Subject, rule: str, at_ms: int) -> None:
        """Let an alert of a rule that was in mode shadow count as one of a live rule from now on."""
        alert = subject.open[rule]
        evidence = {name: value for name, value in alert.evidence.items() if name != MODE}
        alert = subject.open[rule] = self.alerts[alert.key] = alert.but(evidence=evidence)
        if alert.state in FIRING:
            self.transitions.append(Transition(Change.PROMOTED, max(at_ms, alert.checked_ms), alert, "live"))

    def end(self, subject: Subject, rule: str, at_ms: int, reason: str) -> None:
        """End an instance for a reason that is none of its condition's: retired, rule removed, and the like."""
        alert = subject.open.pop(rule)
        subject.forget(rule)
        self.end_alert(alert, at_ms, reason)

    def end_alert(self, alert: Alert, at_ms: int, reason: str) -> None:
        """End an alert whose instance is no more."""
        at_ms = max(at_ms, alert.checked_ms)
        alert = alert.but(checked_ms=at_ms)
        change = Change.ENDED
        if alert.state in FIRING:
            change = Change.RESOLVED
            alert = alert.but(state=AlertState.RESOLVED, resolved_ms=at_ms)
        self.alerts[alert.key] = None
        self.transitions.append(Transition(change, at_ms, alert, reason))

    def _keep(
        self,
        subject: Subject,
        rule: CompiledRule,
        after: Alert | None,
        steps: list[Step],
        moment: Moment,
        *,
        prints: tuple[Any, ...] | None,
        at_ms: int,
    ) -> Alert | None:
        """Record the steps with everything that an alert carries beside the state machine; return the last alert."""
        extra: dict[str, Any] = {"checked_ms": at_ms}
        told: Alert | None = None
        for step in steps:
            if step.change in _TOLD:
                values = printed(rule, moment) if prints is None else prints
                extra["summary"] = summary(rule.prints, values)
            if step.change is Change.FIRED:
                extra["evidence"] = evidence(rule, step.alert, moment, self.program.rule_set.catalogue)
            told = step.alert.but(**extra)
            self.transitions.append(Transition(step.change, at_ms, told, step.reason))
        if after is None:
            subject.open.pop(rule.id, None)
            subject.note_end(at_ms)
            key = steps[-1].alert.key
        else:
            after = told if told is not None and steps[-1].alert is after else after.but(**extra)
            subject.open[rule.id] = after
            key = after.key
        self.alerts[key] = after
        return after

    def fault(self, subject: Subject, rule: CompiledRule, error: Exception) -> None:
        """Note that a rule raised."""
        self.faults.append(RuleFault(rule.id, subject.instance, f"{type(error).__name__}: {error}"))
