"""From alerts, which are the machine's facts, to incidents, which are the people's work."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from iotops.durations import format_instant
from iotops.incidents.casework import IncidentChange, Work
from iotops.incidents.causes import finds_down
from iotops.incidents.deadlines import Policy, quiet_enough_ms
from iotops.incidents.desk import Desk, Known, Queue, Surroundings, Waiting
from iotops.incidents.drafts import draft
from iotops.incidents.endings import clear, end_storms
from iotops.incidents.hush import hush, tell
from iotops.incidents.incident import Incident, State
from iotops.incidents.storm import began_ms, gather, review, settle, storm_is_over, wait
from iotops.rules.alert import Alert, AlertState, Change, Transition
from iotops.rules.contradiction import LATE
from iotops.rules.rule import Mode


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch means for incidents.

    Attributes:
        changes: one per incident that is new or different, in the order in which they were first touched.
        waiting: alert id -> the alerts whose incidents wait for a cause from now on; all of them, not the new ones.
    """

    changes: tuple[IncidentChange, ...] = ()
    waiting: Mapping[str, Waiting] = field(default_factory=dict)


_NOBODY = Queue()


def correlate(
    transitions: Iterable[Transition],
    known: Known,
    around: Surroundings,
    now_ms: int,
    queue: Queue = _NOBODY,
) -> Outcome:
    """Decide what the transitions of alerts mean for incidents; change nothing.

    Args:
        transitions: in event-time order per instance.
        known: incidents as they were before this batch.
        around: rules, labels, what stands behind what, and times.
        now_ms: the wall clock; entries and `raised_ms` carry it, comparisons between alerts use event time.
        queue: the alerts whose incidents waited for a cause before this batch.

    Returns:
        The changes. An episode that is known is not raised again: redelivery and replay raise nothing.
    """
    desk = Desk(known, around, now_ms, queue.waiting)
    for transition in transitions:
        reaction = _REACTIONS.get(transition.change)
        if reaction is not None:
            reaction(desk, transition)
    due = queue.due
    if due is None:
        reviewed = review(desk.waiting, around, now_ms)
        desk.waiting, due = dict(reviewed.waiting), reviewed.due
    settle(desk, due or (), _raise)
    end_storms(desk, queue.returned)
    desk.rescope(queue.grown)
    return Outcome(tuple(change for work in desk.touched for change in work.changes()), desk.waiting)


def _fired(desk: Desk, transition: Transition) -> None:
    """Raise, reopen or attach, at once or after the cause had time to show; a known episode changes nothing."""
    alert, rule = transition.alert, desk.around.rules.get(transition.alert.key.rule)
    if alert.suppressed_by is not None or (rule is not None and rule.mode is not Mode.LIVE):
        return
    holder = desk.holding(alert)
    if holder is not None and alert.id in holder.covered:
        if not holder.alerts:
            wait(desk, alert, transition.at_ms, explained=True)
        return
    if (holder is not None and holder.knows(alert.id)) or alert.id in desk.waiting:
        return
    has_open = holder is not None and holder.incident.is_open
    if not has_open and (hush(desk, alert, transition.at_ms) or wait(desk, alert, transition.at_ms)):
        return
    _raise(desk, alert, transition.at_ms)


def _raise(desk: Desk, alert: Alert, at_ms: int) -> None:
    """Give an alert its incident: the open one of its instance, one reopened, that of its device, or a new one."""
    waits = desk.waiting.pop(alert.id, None)
    fired = Transition(Change.FIRED, at_ms, alert)
    work = _work_again(desk, fired)
    if work is not None:
        _refire(work, fired, desk.around.policy)
    else:
        rule, previous = desk.around.rules.get(alert.key.rule), desk.own(alert.key)
        holder = desk.holding(alert)
        if holder is not None:
            holder.release(alert.id)
        work = desk.outage(alert.device) if alert.device is not None and finds_down(rule) else None
        if work is None:
            new = draft(alert, at_ms, desk.around, None if previous is None else previous.reference)
            work = desk.begin(alert.key, new)
        work.attach(fired)
    desk.keep_holder(alert, work)
    tell(desk, work, waits, at_ms)
    if work.incident.outage:
        gather(desk, work, at_ms)


def _work_again(desk: Desk, fired: Transition) -> Work | None:
    """Return the incident that a new episode of its instance belongs to, reopened where it was resolved."""
    key, policy = fired.alert.key, desk.around.policy
    work, rule = desk.own(key), desk.around.rules.get(key.rule)
    if work is None:
        return None
    _resolve_what_was_quiet(work, fired.at_ms, policy)
    if (work.incident.rule, work.incident.instance) != key:  # what people merged goes on as one story
        return work if work.incident.is_open and not work.incident.outage else None
    if work.incident.is_open:
        return work
    if _within(work.incident, fired.at_ms, policy.reopen_ms if rule is None else rule.reopen_ms):
        work.apply("reopen", reason="fired again", alert=fired.alert.id)
        return work
    return None


def _resolve_what_was_quiet(work: Work, event_ms: int, policy: Policy) -> None:
    """Resolve first what had been quiet for long enough by event time, however fast the events come in."""
    quiet_ms = quiet_enough_ms(work.incident, policy)
    if quiet_ms is not None and quiet_ms < event_ms and not work.alerts:
        work.apply("resolve", code="cleared", cleared_ms=work.incident.cleared_ms)


def _refire(work: Work, transition: Transition, policy: Policy) -> None:
    """Attach a new episode; it is a flap where everything had been clear before."""
    was_clear = not work.alerts
    work.attach(transition)
    if was_clear:
        work.apply("flap", event_ms=transition.at_ms, within_ms=policy.flap_within_ms, enough=policy.flaps)


def _within(incident: Incident, event_ms: int, reopen_ms: int) -> bool:
    if incident.state is not State.RESOLVED:
        return False
    over_ms = incident.resolved_ms if incident.cleared_ms is None else incident.cleared_ms
    return over_ms is not None and event_ms - over_ms <= reopen_ms


def _changed(desk: Desk, transition: Transition) -> None:
    """Follow the alert's severity and whether its data is known; either may have changed with any transition."""
    work = desk.attached(transition)
    if work is not None:
        work.update(transition)
    elif (waits := desk.waiting.get(transition.alert.id)) is not None:
        desk.waiting[transition.alert.id] = replace(waits, alert=transition.alert)


def _contradicted(desk: Desk, transition: Transition) -> None:
    """Note a late sample that speaks against the evidence; whether it was a false alarm is for people to say."""
    work, alert = desk.attached(transition), transition.alert
    if work is not None:
        late = alert.evidence[LATE]
        sample = {"at": format_instant(late["at_ms"]), "values": late["values"]}
        false_at = format_instant(late["not_true_at_ms"])
        work.apply("doubt", event_ms=transition.at_ms, alert=alert.id, sample={**sample, "not_true_at": false_at})


def _resolved(desk: Desk, transition: Transition) -> None:
    """Resolve when the last of an incident's own alerts is clear; what a person has resolved is noted as clear."""
    alert = transition.alert
    if (waits := desk.waiting.get(alert.id)) is not None:
        _raise_before_it_ends(desk, waits)
    work = desk.attached(transition)
    if work is None:
        _covered_resolved(desk, transition)
        return
    work.detach(transition)
    if not work.alerts:
        clear(desk, work, transition)


def _raise_before_it_ends(desk: Desk, waits: Waiting) -> None:
    """Raise what nothing explained before it ended: an alert that was seen is never without a trace."""
    if waits.alert.suppressed_by is None and not waits.explained and not waits.is_suppressed:
        _raise(desk, waits.alert, began_ms(waits.alert))
    else:
        del desk.waiting[waits.alert.id]


def _covered_resolved(desk: Desk, transition: Transition) -> None:
    work = desk.holding(transition.alert)
    if work is None or transition.alert.id not in work.covered:
        return
    work.release(transition.alert.id)
    if work.incident.is_open and not work.alerts and storm_is_over(desk, work):
        clear(desk, work, transition)


def _suppression(desk: Desk, transition: Transition) -> None:
    """Follow a rule's `unless`: what was not raised yet goes to its cause, what was is merged while it is young."""
    work, alert = desk.attached(transition), transition.alert
    if work is not None and alert.suppressed_by != work.alerts[alert.id].suppressed_by:
        work.update(transition)
        action = "suppress" if alert.suppressed_by else "unsuppress"
        work.apply(action, event_ms=transition.at_ms, alert=alert.id, by=alert.suppressed_by)
        if alert.suppressed_by:
            _merge_young(desk, work, transition)
    elif work is None and alert.suppressed_by is not None:
        _explain(desk, alert, transition.at_ms)
    elif work is None and alert.state is AlertState.FIRING:
        desk.waiting.pop(alert.id, None)
        _fired(desk, transition)  # it fired while suppressed, so nothing was raised then


def _explain(desk: Desk, alert: Alert, at_ms: int) -> None:
    """Put a suppressed alert under its cause's incident, or keep it until that is raised."""
    holder, cause = desk.holding(alert), desk.cause_of(alert)
    if holder is not None and alert.id in holder.covered:
        return
    if cause is not None:
        desk.hold(cause, [alert])
    elif alert.id in desk.waiting or desk.around.explanations(alert):
        desk.waiting[alert.id] = replace(desk.waiting.get(alert.id, Waiting(alert, at_ms, at_ms)), alert=alert)


def _merge_young(desk: Desk, work: Work, transition: Transition) -> None:
    cause, rule = desk.cause_of(transition.alert), desk.around.rules.get(transition.alert.key.rule)
    if cause is None or cause is work or rule is None or work.incident.state is not State.NEW:
        return
    if transition.at_ms - (work.incident.fired_ms or 0) < rule.merge_window_ms:
        desk.merge(cause, work, f"explained by {cause.incident.rule}")


_REACTIONS: Mapping[Change, Callable[[Desk, Transition], None]] = {
    Change.FIRED: _fired,
    Change.PROMOTED: _fired,
    Change.ESCALATED: _changed,
    Change.EASED: _changed,
    Change.UNKNOWN: _changed,
    Change.KNOWN: _changed,
    Change.CONTRADICTED: _contradicted,
    Change.RESOLVED: _resolved,
    Change.SUPPRESSED: _suppression,
    Change.UNSUPPRESSED: _suppression,
}
"""What matters to incidents; pending, ended, recovering and back to firing are the machine's own business."""
