"""What each action does to an incident's fields, and what it says about that on the timeline.

Every effect takes the incident as it was, who acts and when, and the action's details by keyword. It returns
the changed fields and the entry's data, or None where there was nothing to change.
"""

from collections.abc import Callable, Mapping
from typing import Any

from iotops.durations import format_instant
from iotops.incidents.change import cause_marked
from iotops.incidents.effect import Effect, Step, present
from iotops.incidents.impact import LOWEST, Impact
from iotops.incidents.incident import SYSTEM, Incident, State
from iotops.incidents.merge_effects import absorbed, gave_back, merged, split
from iotops.incidents.priority import PRIORITIES, choose, rederive
from iotops.incidents.problem_effects import flapped, linked, problem_moved, recurred, unlinked
from iotops.incidents.sla_effects import clock_rang, promised
from iotops.incidents.suppression_effects import suppression_began, suppression_ended
from iotops.rules.rule import Severity


def _raised(incident: Incident, step: Step) -> Effect:
    fired = incident.fired_ms
    data = {
        "severity": incident.severity.word,
        "priority": incident.priority,
        "rule": incident.rule or None,
        "rule_version": incident.rule_version,
        "alert": incident.alert_id,
        "event_at": None if fired is None else format_instant(fired),
        "recurrence_of": incident.recurrence_of,
    }
    return Effect({"raised_ms": step.at_ms}, present(data))


def _acknowledged(_: Incident, step: Step) -> Effect:
    return Effect({"acknowledged_ms": step.at_ms}, {})


def _assigned(incident: Incident, _: Step, **given: str | None) -> Effect | None:
    """Take `assignee` and `team` where they are given; None: from whom has it. Nobody gets it twice."""
    unknown = given.keys() - {"assignee", "team"}
    if unknown:
        msg = f"assign takes assignee and team, found {', '.join(sorted(unknown))}"
        raise TypeError(msg)
    before = {name: getattr(incident, name) for name in given}
    if before == given and incident.state is not State.NEW:
        return None
    return Effect(given, {**given, **present({f"{name}_before": was for name, was in before.items()})})


def _held(_: Incident, __: Step, *, reason: str | None = None, until_ms: int | None = None) -> Effect:
    until = None if until_ms is None else format_instant(until_ms)
    return Effect({"hold_reason": reason, "hold_until_ms": until_ms}, present({"reason": reason, "until": until}))


def _resumed(_: Incident, __: Step, *, reason: str | None = None) -> Effect:
    return Effect({}, present({"reason": reason}))


def _resolved(
    incident: Incident,
    step: Step,
    *,
    code: str | None = None,
    cause: str | None = None,
    verdict: str | None = None,
    cleared_ms: int | None = None,
    firing: bool = False,
    grace_ms: int = 0,
    summary: str | None = None,
) -> Effect:
    """Resolve; `firing` says that an alert still is, and then `grace_ms` from now somebody looks again.

    `summary`: what the last alert's reads at its end.
    """
    auto = incident.acknowledged_ms is None
    fields = {
        "resolved_ms": step.at_ms,
        "resolution_code": code,
        "cause": cause or incident.cause,
        "verdict": verdict or incident.verdict,
        "auto": auto,
        "flapping": False,
        "cleared_ms": incident.cleared_ms if cleared_ms is None else cleared_ms,
        # Where all alerts are clear, no alert is left whose data could be missing.
        "data_known": incident.data_known or cleared_ms is not None,
        "grace_ms": step.at_ms + grace_ms if firing else None,
    }
    event_at = None if cleared_ms is None else format_instant(cleared_ms)
    said = {
        "code": code,
        "cause": cause,
        "verdict": verdict,
        "event_at": event_at,
        "while_firing": firing or None,
        "summary": summary or None,
    }
    return Effect(fields, {"auto": auto, **present(said)})


def _reopened(incident: Incident, step: Step, *, reason: str = "by hand", alert: str | None = None) -> Effect:
    fields = {
        "resolved_ms": None,
        "resolution_code": None,
        "cause": None,
        "auto": False,
        # Whoever reopens it wants it open: it does not resolve again until an alert has fired and cleared anew.
        "cleared_ms": None,
        "grace_spent": incident.grace_spent or (step.actor == SYSTEM and incident.grace_ms is not None),
        "grace_ms": None,
        "reopen_count": incident.reopen_count + 1,
    }
    return Effect(fields, {"reason": reason, **present({"alert": alert})})


def _cancelled(_: Incident, __: Step, *, reason: str | None = None, duplicate_of: str | None = None) -> Effect:
    return Effect({"duplicate_of": duplicate_of}, present({"reason": reason, "duplicate_of": duplicate_of}))


def _closed(_: Incident, step: Step, *, reason: str | None = None) -> Effect:
    return Effect({"closed_ms": step.at_ms}, present({"reason": reason}))


def _commented(_: Incident, __: Step, *, visibility: str = "internal") -> Effect:
    return Effect({}, {"visibility": visibility})


def _edited(incident: Incident, step: Step, **given: str | None) -> Effect | None:
    """Change `title`, `verdict` or `priority` by hand; None takes a verdict back and leaves the others alone."""
    unknown = given.keys() - {"title", "verdict", "priority"}
    if unknown:
        msg = f"edit takes title, verdict and priority, found {', '.join(sorted(unknown))}"
        raise TypeError(msg)
    fields: dict[str, Any] = {name: new for name, new in given.items() if getattr(incident, name) != new}
    fields = {name: new for name, new in fields.items() if new is not None or name == "verdict"}
    data = {name: {"from": getattr(incident, name), "to": new} for name, new in fields.items()}
    if fields.get("priority"):
        fields["priority_reason"] = choose(fields["priority"], incident.priority_reason, step.actor.id).reason
    return Effect(fields, data) if fields else None


def _severity_changed(incident: Incident, _: Step, *, severity: Severity, alert: str | None = None) -> Effect | None:
    if severity == incident.severity:
        return None
    priority, reason = rederive(incident.priority_reason, severity)
    steps = {"from": incident.severity.word, "to": severity.word}
    data = {**steps, "priority": priority, "priority_before": incident.priority, **present({"alert": alert})}
    return Effect({"severity": severity, "priority": priority, "priority_reason": reason}, data)


def _data_unknown(incident: Incident, _: Step, *, event_ms: int, alert: str) -> Effect | None:
    return Effect({"data_known": False}, _seen(event_ms, alert)) if incident.data_known else None


def _evidence_contradicted(_: Incident, __: Step, *, event_ms: int, alert: str, sample: Mapping[str, Any]) -> Effect:
    """Note a late sample that an alert would not have fired with; people decide what that means."""
    return Effect({}, {**_seen(event_ms, alert), "sample": dict(sample)})


def _data_known(incident: Incident, _: Step, *, event_ms: int, alert: str) -> Effect | None:
    return None if incident.data_known else Effect({"data_known": True}, _seen(event_ms, alert))


def _attached(incident: Incident, _: Step) -> Effect:
    return Effect({"alert_count": incident.alert_count + 1, "cleared_ms": None}, None)


def _covered(incident: Incident, _: Step, *, count: int) -> Effect:
    """Count alerts in that this incident explains; they are listed, and nobody is told of each."""
    return Effect({"alert_count": incident.alert_count + count}, None)


def _scope_changed(incident: Incident, _: Step, *, impact: Impact, affected: int) -> Effect | None:
    """Derive the priority again from a scope that grew; said only where that makes the impact another."""
    if impact.value >= incident.priority_reason.get("impact", {"value": LOWEST})["value"]:
        return None
    priority, reason = rederive(incident.priority_reason, incident.severity, impact)
    data = {"from": incident.priority, "to": priority, "affected": affected, "because": reason["impact"]["because"]}
    return Effect({"priority": priority, "priority_reason": reason}, data)


def _escalated(incident: Incident, _: Step) -> Effect:
    """Say that a second resolution did not hold either, and press harder: one step of priority."""
    priority = PRIORITIES[max(0, PRIORITIES.index(incident.priority) - 1)]
    text = f"{incident.priority_reason.get('text', '')}; resolved twice while firing: one step more"
    reason = {**incident.priority_reason, "escalated": True, "text": text.removeprefix("; ")}
    data = {"reason": "still firing after a second resolution", "from": incident.priority, "to": priority}
    return Effect({"grace_ms": None, "priority": priority, "priority_reason": reason}, data)


def _cleared(
    _: Incident, __: Step, *, event_ms: int, alert: str | None = None, reason: str = "", summary: str = ""
) -> Effect:
    fields = {"cleared_ms": event_ms, "data_known": True, "grace_ms": None}
    said = {"alert": alert, "reason": reason or None, "summary": summary or None}
    return Effect(fields, {"event_at": format_instant(event_ms), **present(said)})


def _suppressed(_: Incident, __: Step, *, event_ms: int, alert: str, by: str | None = None) -> Effect:
    return Effect({}, {**_seen(event_ms, alert), **present({"by": by})})


def _seen(event_ms: int, alert: str) -> dict[str, Any]:
    return {"event_at": format_instant(event_ms), "alert": alert}


EFFECTS: Mapping[str, Callable[..., Effect | None]] = {
    "acknowledge": _acknowledged,
    "assign": _assigned,
    "hold": _held,
    "resume": _resumed,
    "resolve": _resolved,
    "reopen": _reopened,
    "cancel": _cancelled,
    "close": _closed,
    "comment": _commented,
    "edit": _edited,
    "raise": _raised,
    "attach": _attached,
    "cover": _covered,
    "rescope": _scope_changed,
    "merge": merged,
    "absorb": absorbed,
    "give_back": gave_back,
    "split": split,
    "mark_cause": cause_marked,
    "escalate": _escalated,
    "change_severity": _severity_changed,
    "lose_data": _data_unknown,
    "doubt": _evidence_contradicted,
    "regain_data": _data_known,
    "promise": promised,
    "near_breach": clock_rang,
    "breach": clock_rang,
    "clear": _cleared,
    "suppress": _suppressed,
    "unsuppress": _suppressed,
    "enter_suppression": suppression_began,
    "leave_suppression": suppression_ended,
    "flap": flapped,
    "recur": recurred,
    "link_problem": linked,
    "unlink_problem": unlinked,
    "move_problem": problem_moved,
}
"""Action -> its effect, for every action of `iotops.incidents.transitions.MOVES`."""
