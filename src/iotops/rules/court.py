"""The alerts of groups, judged where their groups stand."""

from collections.abc import Callable

from iotops.rules.compile import Program
from iotops.rules.emission import Order
from iotops.rules.findings import Findings
from iotops.rules.group import Group
from iotops.rules.journal import Journal
from iotops.rules.lifecycle import next_due
from iotops.rules.moment import Moment
from iotops.rules.values import Truth
from iotops.rules.verdict import Due, earlier, either

Flipped = Callable[[Group, Due, Order], None]
"""Called when a group's alert began or ceased to fire."""
AT_REST = Order(-1, 0, 0)


class Court:
    """Judges alerts, and follows sequences, whose instances are groups; other groups have nothing to judge."""

    def __init__(self, program: Program, moment: Moment, journal: Journal, findings: Findings) -> None:
        self._program = program
        self._moment = moment
        self._journal = journal
        self._findings = findings
        self.flipped: Flipped = _nobody_asks

    def judge(self, group: Group, at: Due, order: Order, *, counts: bool) -> None:
        """Judge a group's alert at an instant."""
        rule, moment = group.rule, self._moment
        if not group.has_instance:
            return
        self._journal.touch_group(group)
        group.due, group.judged = None, True
        if rule.id in self._program.quarantined:
            return
        moment.at(group, at.at_ms, at.past, at.at_ms)
        try:
            sequence_due = self._findings.follow(group, rule, moment, sampled=counts)
            lapsed = rule.others_lapsed(moment)
            # A sequence may fire on nothing but its steps; that `until` is unknown is said right after.
            wake_ms = at.at_ms if lapsed and rule.sequence is not None and not at.past else None
            verdict = rule.verdict(moment, rule.tiers(moment), lapsed, wake_ms)
            flipped, due = self._findings.settle(group, rule, verdict, moment, None, counts=counts)
        except Exception as error:  # noqa: BLE001  one rule's bug must not stop telemetry or other rules
            self._findings.fault(group, rule, error)
            return
        group.due = earlier(due, sequence_due)
        if flipped:
            self.flipped(group, at, order)

    def resume(self, group: Group, reached: Due, *, changed: bool) -> None:
        """Take up a group that was formed at the instant up to which it was judged; `changed`: its devices' labels are.

        Timers are set as they were; judging what is under way would be too early. A rule that was put in force may be
        true already: the next answer of a device has it judged, and where no device is asked anything, it is now.
        """
        rule = group.rule
        alert, attempt = group.open.get(rule.id), group.attempts.get(rule.id)
        if alert is None and (changed or group.survey.runs_with_time or (rule.follows_only and attempt is None)):
            self.judge(group, reached, AT_REST, counts=False)
            return
        # What is due at the very instant may still be due: samples precede timers.
        since = reached if reached.past else Due(reached.at_ms - 1, past=True)
        group.due = None if alert is None else next_due(rule.machine, alert, None, since)
        if rule.sequence is None:
            return
        self._moment.at(group, reached.at_ms, reached.past, reached.at_ms)
        group.due = earlier(group.due, rule.sequence.next_due(self._moment, attempt, since.at_ms))
        if alert is not None and alert.data_known and not reached.past and rule.others_lapsed(self._moment):
            group.due = Due(reached.at_ms, past=True)

    def close(self, group: Group, reason: str) -> None:
        """End what a group that has no devices any more was about."""
        for rule in list(group.attempts):
            self._findings.note_attempt(group, rule, None)
        if group.rule.id in group.open:
            self.end(group, reason)

    def end(self, group: Group, reason: str) -> None:
        """End a group's alert for a reason that is none of its condition's."""
        alert = group.open[group.rule.id]
        self._findings.end(group, group.rule.id, group.clock.at_ms, reason)
        if alert.fired_ms is not None:
            self.flipped(group, group.judged_until, AT_REST)

    def truth_now(self, group: Group) -> Truth:
        """Judge the condition of a group where it stands, without consequences."""
        at = group.judged_until
        self._moment.at(group, at.at_ms, at.past, at.at_ms)
        return either(tuple(when(self._moment) for when in group.rule.whens))


def _nobody_asks(_group: Group, _at: Due, _order: Order) -> None:
    """Stand in until the group stage listens."""
