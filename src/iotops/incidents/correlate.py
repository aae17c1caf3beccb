"""From alerts, which are the machine's facts, to incidents, which are the people's work."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from iotops.incidents.casework import Case, IncidentChange, Work
from iotops.incidents.deadlines import Policy, quiet_enough_ms
from iotops.incidents.incident import Incident, State
from iotops.incidents.priority import derive
from iotops.rules.alert import AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Mode, Rule
from iotops.telemetry.reading import DeviceKey

ADMINISTRATIVE = frozenset({"rule changed", "rule removed", "retired", "no longer matched"})
"""Reasons for which an alert ends although its condition may still be true; quiet is not waited for then."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What correlation needs to know beside the alerts.

    Attributes:
        rules: by id, as loaded now; a rule that is gone is missing.
        labels: of the devices that fire; `service` names the service that suffers.
        policy: the times that apply.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    labels: Mapping[DeviceKey, Mapping[str, str]] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)


def correlate(
    transitions: Iterable[Transition], known: Mapping[AlertKey, Case], around: Surroundings, now_ms: int
) -> tuple[IncidentChange, ...]:
    """Decide what the transitions of alerts mean for incidents; change nothing.

    Args:
        transitions: in event-time order per instance.
        known: the newest incident of every touched instance, with its alerts, as they were before this batch.
        around: rules, labels and times.
        now_ms: the wall clock; entries and `raised_ms` carry it, comparisons between alerts use event time.

    Returns:
        One change per incident that is new or different, in the order in which they were first touched.
        An episode that is known is not raised again: redelivery and replay raise nothing.
    """
    desk = _Desk(known, around, now_ms)
    for transition in transitions:
        reaction = _REACTIONS.get(transition.change)
        if reaction is not None:
            reaction(desk, transition)
    return tuple(change for work in desk.touched for change in work.changes())


class _Desk:
    """The incidents on the table while one batch is worked through: the newest per instance, and all touched."""

    def __init__(self, known: Mapping[AlertKey, Case], around: Surroundings, now_ms: int) -> None:
        self.known, self.around, self.now_ms = known, around, now_ms
        self.newest: dict[AlertKey, Work] = {}
        self.touched: list[Work] = []

    def work(self, key: AlertKey) -> Work | None:
        """Return the work on the newest incident of an instance."""
        if key not in self.newest and key in self.known:
            self._take(key, Work(self.known[key], self.now_ms))
        return self.newest.get(key)

    def attached(self, transition: Transition) -> Work | None:
        """Return the work on the live incident that has this alert among its unresolved ones."""
        work = self.work(transition.alert.key)
        if work is None or transition.alert.id not in work.alerts:
            return None
        return work if work.incident.is_open or work.incident.state is State.RESOLVED else None

    def begin(self, key: AlertKey, draft: Incident) -> Work:
        """Put a new incident on the table, in place of the previous one of the instance."""
        work = Work(None, self.now_ms, draft)
        self._take(key, work)
        return work

    def _take(self, key: AlertKey, work: Work) -> None:
        self.newest[key] = work
        self.touched.append(work)


def _fired(desk: _Desk, transition: Transition) -> None:
    """Raise, reopen or attach; an episode that an incident already knows changes nothing."""
    alert, rule = transition.alert, desk.around.rules.get(transition.alert.key.rule)
    if alert.suppressed_by is not None or (rule is not None and rule.mode is not Mode.LIVE):
        return
    work = desk.work(alert.key)
    if work is not None and work.knows(alert.id):
        return
    if work is not None:
        _resolve_what_was_quiet(work, transition.at_ms, desk.around.policy)
    reopen_ms = desk.around.policy.reopen_ms if rule is None else rule.reopen_ms
    if work is not None and work.incident.is_open:
        _refire(work, transition)
    elif work is not None and _within(work.incident, transition.at_ms, reopen_ms):
        work.apply("reopen", reason="fired again", alert=alert.id)
        _refire(work, transition)
    else:
        fresh = desk.begin(alert.key, _draft(transition, rule, desk.around, work))
        fresh.apply("raise")
        fresh.attach(transition)


def _resolve_what_was_quiet(work: Work, event_ms: int, policy: Policy) -> None:
    """Resolve first what had been quiet for long enough by event time, however fast the events come in."""
    quiet_ms = quiet_enough_ms(work.incident, policy)
    if quiet_ms is not None and quiet_ms < event_ms and not work.alerts:
        work.apply("resolve", code="cleared", cleared_ms=work.incident.cleared_ms)


def _refire(work: Work, transition: Transition) -> None:
    """Attach a new episode; it is a flap where everything had been clear before."""
    was_clear = not work.alerts
    work.attach(transition)
    if was_clear:
        work.apply("flap", event_ms=transition.at_ms)


def _within(incident: Incident, event_ms: int, reopen_ms: int) -> bool:
    if incident.state is not State.RESOLVED:
        return False
    over_ms = incident.resolved_ms if incident.cleared_ms is None else incident.cleared_ms
    return over_ms is not None and event_ms - over_ms <= reopen_ms


def _draft(transition: Transition, rule: Rule | None, around: Surroundings, previous: Work | None) -> Incident:
    alert = transition.alert
    labels = {} if alert.device is None else around.labels.get(alert.device, {})
    routing = {} if rule is None else rule.labels
    service = labels.get("service") or routing.get("service")
    priority, reason = derive(alert.severity, service)
    return Incident(
        title=alert.summary or f"{alert.key.rule} on {alert.key.instance}",
        severity=alert.severity,
        priority=priority,
        priority_reason=reason,
        site=alert.site,
        service=service,
        device=None if alert.device is None else alert.device.device,
        team=routing.get("team"),
        rule=alert.key.rule,
        rule_version=alert.rule_version,
        instance=alert.key.instance,
        alert_id=alert.id,
        fired_ms=transition.at_ms if alert.fired_ms is None else alert.fired_ms,
        recurrence_of=None if previous is None else previous.incident.number or previous.incident.alert_id,
        evidence=alert.evidence,
    )


def _changed(desk: _Desk, transition: Transition) -> None:
    """Follow the alert's severity and whether its data is known; either may have changed with any transition."""
    work = desk.attached(transition)
    if work is not None:
        work.update(transition)


def _resolved(desk: _Desk, transition: Transition) -> None:
    """Resolve when the last attached alert is clear; what a person has resolved is only noted as clear."""
    work = desk.attached(transition)
    if work is None:
        return
    work.detach(transition)
    if work.alerts:
        return
    reason = transition.reason if transition.reason in ADMINISTRATIVE else "cleared"
    policy = desk.around.policy
    waits = policy.clear_for_ms > 0 or work.incident.flapping
    if work.incident.is_open and (reason in ADMINISTRATIVE or not waits):
        work.apply("resolve", code=reason, cleared_ms=transition.at_ms)
    else:
        work.apply("clear", event_ms=transition.at_ms, alert=transition.alert.id, reason=reason)


def _suppression(desk: _Desk, transition: Transition) -> None:
    """Note that the cause is known elsewhere, or no longer; an open incident stays what it is."""
    work, alert = desk.attached(transition), transition.alert
    if work is not None and alert.suppressed_by != work.alerts[alert.id].suppressed_by:
        work.update(transition)
        action = "suppress" if alert.suppressed_by else "unsuppress"
        work.apply(action, event_ms=transition.at_ms, alert=alert.id, by=alert.suppressed_by)
    elif work is None and alert.suppressed_by is None and alert.state is AlertState.FIRING:
        _fired(desk, transition)  # it fired while suppressed, so nothing was raised then


_REACTIONS: Mapping[Change, Callable[[_Desk, Transition], None]] = {
    Change.FIRED: _fired,
    Change.ESCALATED: _changed,
    Change.EASED: _changed,
    Change.UNKNOWN: _changed,
    Change.KNOWN: _changed,
    Change.RESOLVED: _resolved,
    Change.SUPPRESSED: _suppression,
    Change.UNSUPPRESSED: _suppression,
}
"""What matters to incidents; pending, ended, recovering and back to firing are the machine's own business."""
