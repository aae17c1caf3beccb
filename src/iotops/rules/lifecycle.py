"""The state machine of an alert: pending, firing, recovering, resolved. Pure: a step returns what comes next.

What resets the `for` clock of a tier: a known-false sample, at its event time. Unknown holds it while the last good
sample is younger than `stale`; after that a pending alert ends, and a firing one carries unknown data until known
data is back. Unknown neither fires nor resolves. Outside of the rule's active times no tier is reached; what is open
goes on, and ends, as ever.
"""

from typing import NamedTuple

from iotops.rules.alert import MODE, Alert, AlertKey, AlertState, Change, episode_id
from iotops.rules.machine import HOLDS, Machine, hold_of
from iotops.rules.rule import Mode, Rule, Severity
from iotops.rules.subject import Subject
from iotops.rules.values import Truth
from iotops.rules.verdict import Due, Verdict, both


class Step(NamedTuple):
    """A change, why, and the alert after it."""

    change: Change
    reason: str
    alert: Alert


def born(rule: Rule, machine: Machine, subject: Subject, verdict: Verdict, at_ms: int) -> Alert:
    """Return the alert of an episode that begins now; `advance` brings it to where it belongs."""
    key = AlertKey(rule.id, subject.instance)
    true = [severity for severity, truth in zip(machine.severities, verdict.tiers, strict=True) if truth]
    return Alert(
        id=episode_id(rule.id, subject.site, key.instance, at_ms),
        key=key,
        rule_version=rule.full_hash,
        semantic_hash=rule.semantic_hash,
        site=subject.site,
        device=subject.device,
        state=AlertState.PENDING,
        severity=true[-1],
        began_ms=at_ms,
        checked_ms=at_ms,
        evidence={
            HOLDS: machine.holds,
            **({MODE: rule.mode.value} if rule.mode is Mode.SHADOW else {}),
        },
    )


def advance(machine: Machine, alert: Alert, verdict: Verdict, at_ms: int) -> tuple[Alert | None, list[Step]]:
    """Move one alert to an instant at which its condition was judged.

    `alert` may be fresh from birth (pending, nothing true yet). Returns the alert, None where it became inactive, and
    the changes in order. An alert that nothing changed comes back as the same object.
    """
    alert = _with_clocks(machine, alert, verdict, at_ms)
    if alert.state is AlertState.PENDING:
        return _pending(machine, alert, verdict, at_ms)
    steps: list[Step] = []
    for part in (_data, _reach, _suppress, _recover):
        alert = part(machine, alert, verdict, at_ms, steps)
    return (None if alert.state is AlertState.RESOLVED else alert), steps


def next_due(machine: Machine, alert: Alert, wake_ms: int | None, now: Due) -> Due | None:
    """Return when the alert has to be judged again if no sample comes: the first instant after `now`.

    `wake_ms`: see `Verdict`.
    """
    dues = [Due(at_ms, past=False) for at_ms in _holds_due(machine, alert)]
    if alert.clear_since_ms is not None:
        dues.append(Due(alert.clear_since_ms + machine.keep_ms, past=False))
    if wake_ms is not None:
        dues.append(Due(wake_ms, past=True))
    if machine.active is not None and any(due <= now for due in dues) and not machine.active.covers(now.at_ms):
        begin_ms = machine.active.next_begin(now.at_ms)
        dues += [] if begin_ms is None else [Due(begin_ms, past=False)]
    return min((due for due in dues if due > now), default=None)


def _holds_due(machine: Machine, alert: Alert) -> list[int]:
    return [
        since_ms + hold_of(machine, alert, severity)
        for severity, since_ms in alert.true_since_ms.items()
        if severity not in alert.tiers_reached and severity in machine.severities
    ]


def _with_clocks(machine: Machine, alert: Alert, verdict: Verdict, at_ms: int) -> Alert:
    """Start, keep, or reset the clock of every tier, and note since when `unless` holds."""
    since = dict(alert.true_since_ms)
    for severity, truth in zip(machine.severities, verdict.tiers, strict=True):
        if truth:
            since.setdefault(severity, at_ms)
        elif truth is False or (verdict.lapsed and severity not in alert.tiers_reached):
            since.pop(severity, None)
    unless_since = (at_ms if alert.unless_since_ms is None else alert.unless_since_ms) if verdict.unless else None
    if since == alert.true_since_ms and unless_since == alert.unless_since_ms:
        return alert
    return alert.but(true_since_ms=since, unless_since_ms=unless_since)


def _ready(machine: Machine, alert: Alert, verdict: Verdict, at_ms: int) -> Severity | None:
    """Return the highest tier that is known to be true and has served its hold."""
    for severity, truth in zip(reversed(machine.severities), reversed(verdict.tiers), strict=True):
        if truth and alert.true_since_ms[severity] + hold_of(machine, alert, severity) <= at_ms:
            # The clock of `for` runs outside of the active times, too; raising waits for them to begin.
            return severity if machine.active is None or machine.active.covers(at_ms) else None
    return None


def _pending(machine: Machine, alert: Alert, verdict: Verdict, at_ms: int) -> tuple[Alert | None, list[Step]]:
    if not alert.true_since_ms:
        reason = "stale" if verdict.truth is None else "known false"
        return None, [Step(Change.ENDED, reason, alert)]
    ready = _ready(machine, alert, verdict, at_ms)
    if ready is None:
        steps: list[Step] = []
        if not verdict.unless:
            alert = _suppress(machine, alert, verdict, at_ms, steps)
        return alert, steps
    if verdict.unless:
        if alert.suppressed_by is not None:
            return alert, []
        alert = alert.but(suppressed_by=machine.unless, severity=ready)
        return alert, [Step(Change.SUPPRESSED, "unless", alert)]
    fired = alert.but(
        state=AlertState.FIRING,
        severity=ready,
        tiers_reached=_up_to(machine, ready),
        fired_ms=at_ms,
        suppressed_by=None,
    )
    return fired, [Step(Change.FIRED, "", fired)]


def _data(_machine: Machine, alert: Alert, verdict: Verdict, _at_ms: int, steps: list[Step]) -> Alert:
    """Say when data stopped, and when it is back. Without data nothing recovers."""
    unknown = verdict.truth is None
    if unknown and verdict.lapsed and alert.data_known:
        alert = alert.but(data_known=False, clear_since_ms=None, state=AlertState.FIRING)
        steps.append(Step(Change.UNKNOWN, "stale", alert))
    elif not unknown and not alert.data_known:
        alert = alert.but(data_known=True)
        steps.append(Step(Change.KNOWN, "", alert))
    return alert


def _reach(machine: Machine, alert: Alert, verdict: Verdict, at_ms: int, steps: list[Step]) -> Alert:
    ready = _ready(machine, alert, verdict, at_ms)
    if ready is None or ready <= alert.severity:
        return alert
    alert = alert.but(severity=ready, tiers_reached=_up_to(machine, ready))
    steps.append(Step(Change.ESCALATED, "", alert))
    return alert


def _suppress(machine: Machine, alert: Alert, verdict: Verdict, _at_ms: int, steps: list[Step]) -> Alert:
    if verdict.unless and alert.suppressed_by is None:
        alert = alert.but(suppressed_by=machine.unless)
        steps.append(Step(Change.SUPPRESSED, "unless", alert))
    elif not verdict.unless and alert.suppressed_by is not None:
        alert = alert.but(suppressed_by=None)
        steps.append(Step(Change.UNSUPPRESSED, "", alert))
    return alert


def _recover(machine: Machine, alert: Alert, verdict: Verdict, at_ms: int, steps: list[Step]) -> Alert:
    """Ease, begin to recover, fall back, or resolve; while recovery is unknown, nothing of that."""
    recovered, eased = _recovery(machine, alert, verdict)
    if eased < alert.severity:
        alert = alert.but(severity=eased, tiers_reached=_up_to(machine, eased))
        steps.append(Step(Change.EASED, "until", alert))
    if recovered is None:
        return alert
    if not recovered:
        if alert.clear_since_ms is not None:
            alert = alert.but(state=AlertState.FIRING, clear_since_ms=None)
            steps.append(Step(Change.REFIRED, "", alert))
        return alert
    if alert.clear_since_ms is None:
        alert = alert.but(state=AlertState.RECOVERING, clear_since_ms=at_ms)
        if machine.keep_ms:
            steps.append(Step(Change.RECOVERING, "", alert))
    if at_ms >= (alert.clear_since_ms or 0) + machine.keep_ms:
        alert = alert.but(state=AlertState.RESOLVED, resolved_ms=at_ms)
        steps.append(Step(Change.RESOLVED, "until" if machine.has_until else "known false", alert))
    return alert


def _recovery(machine: Machine, alert: Alert, verdict: Verdict) -> tuple[Truth, Severity]:
    """Tell whether the alert has recovered, and which severity is left where it has not."""
    if not machine.until_by_tier:
        false = None if verdict.truth is None else not verdict.truth
        return (both(verdict.until[0], false) if verdict.until else false), alert.severity
    for severity, truth, until in reversed(list(zip(machine.severities, verdict.tiers, verdict.until, strict=True))):
        if severity > alert.severity:
            continue
        cleared = both(until, None if truth is None else not truth)
        if not cleared:
            return cleared, severity
    return True, alert.severity


def _up_to(machine: Machine, severity: Severity) -> frozenset[Severity]:
    """Return the tiers reached with `severity`: a critical freezer is no less than warm."""
    return frozenset(tier for tier in machine.severities if tier <= severity)
