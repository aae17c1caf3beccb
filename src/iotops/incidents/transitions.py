"""The state machine of incidents as data, and the one function that moves an incident through it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from iotops.errors import IllegalTransition
from iotops.incidents.effect import Step
from iotops.incidents.effects import EFFECTS
from iotops.incidents.incident import OPEN, SYSTEM, Actor, Incident, State
from iotops.incidents.timeline import Entry

# What only the machine counts and remembers: a change of these is no new version.
_BOOK_KEEPING = ("alert_count", "occurrence_count", "cleared_ms", "flaps", "muted_by", "recurrence_count")

_STAY: Mapping[State, State] = {state: state for state in State}
_STAY_LIVE: Mapping[State, State] = {state: state for state in State if state not in (State.CLOSED, State.CANCELLED)}


@dataclass(frozen=True, slots=True)
class Move:
    """One action of the state machine; what it does to the other fields stands in `iotops.incidents.effects`.

    Attributes:
        to: state before -> state after; a state that is missing does not allow the action.
        entry: type of the timeline entry that the action leaves.
        unowned: state after instead, where the incident has no assignee.
        by_people: people may do it; the system may do everything.
        only_merged: only an incident that was merged into another can do it.
        listed: shown among the allowed actions, each of them a button.
    """

    to: Mapping[State, State]
    entry: str
    unowned: State | None = None
    by_people: bool = True
    only_merged: bool = False
    listed: bool = True


_FROM_NEW: Mapping[State, State] = {State.NEW: State.IN_PROGRESS}
_ASSIGNED: Mapping[State, State] = {**_FROM_NEW, State.IN_PROGRESS: State.IN_PROGRESS, State.ON_HOLD: State.ON_HOLD}
_RESOLVED: Mapping[State, State] = dict.fromkeys(OPEN, State.RESOLVED)
_CANCELLED: Mapping[State, State] = dict.fromkeys(OPEN, State.CANCELLED)
_REOPENED: Mapping[State, State] = {State.RESOLVED: State.IN_PROGRESS}

MOVES: Mapping[str, Move] = {
    "acknowledge": Move(_FROM_NEW, "acknowledged"),
    "assign": Move(_ASSIGNED, "assigned"),
    "hold": Move({State.IN_PROGRESS: State.ON_HOLD}, "held"),
    "resume": Move({State.ON_HOLD: State.IN_PROGRESS}, "resumed"),
    "resolve": Move(_RESOLVED, "resolved"),
    "reopen": Move(_REOPENED, "reopened", unowned=State.NEW),
    "cancel": Move(_CANCELLED, "cancelled"),
    "close": Move({State.RESOLVED: State.CLOSED}, "closed"),
    "merge": Move(_CANCELLED, "merged"),
    "split": Move({State.CANCELLED: State.IN_PROGRESS}, "split", unowned=State.NEW, only_merged=True),
    "comment": Move(_STAY, "commented"),
    "edit": Move(_STAY, "edited", listed=False),
    "raise": Move({State.NEW: State.NEW}, "raised", listed=False),
    "attach": Move(_STAY_LIVE, "", by_people=False),
    "cover": Move(_STAY_LIVE, "", by_people=False),
    "rescope": Move(_STAY_LIVE, "priority_changed", by_people=False),
    "absorb": Move(_STAY_LIVE, "absorbed", listed=False),
    "give_back": Move(_STAY, "given_back", listed=False),
    "mark_cause": Move(_STAY, "cause_marked", listed=False),
    "escalate": Move({State.RESOLVED: State.RESOLVED}, "escalated", by_people=False),
    "change_severity": Move(_STAY_LIVE, "severity_changed", by_people=False),
    "lose_data": Move(_STAY_LIVE, "data_unknown", by_people=False),
    "doubt": Move(_STAY_LIVE, "evidence_contradicted", by_people=False),
    "regain_data": Move(_STAY_LIVE, "data_known", by_people=False),
    "promise": Move(_STAY, "promised", by_people=False),
    "near_breach": Move(_STAY, "sla_near", by_people=False),
    "breach": Move(_STAY, "sla_breached", by_people=False),
    "clear": Move(_STAY_LIVE, "cleared", by_people=False),
    "suppress": Move(_STAY_LIVE, "suppressed", by_people=False),
    "unsuppress": Move(_STAY_LIVE, "unsuppressed", by_people=False),
    "enter_suppression": Move(_STAY, "suppression_began", by_people=False),
    "leave_suppression": Move(_STAY, "suppression_ended", by_people=False),
    "flap": Move(_STAY_LIVE, "flapping", by_people=False),
    "recur": Move(_STAY, "recurring", by_people=False),
    "link_problem": Move(_STAY, "problem_linked", listed=False),
    "unlink_problem": Move(_STAY, "problem_unlinked", listed=False),
    "move_problem": Move(_STAY, "problem_changed", listed=False),
}
"""Action -> what it does. Serves the API, the documentation and the page alike."""


def transition(
    incident: Incident, action: str, actor: Actor, at_ms: int, *, note: str | None = None, **details: Any
) -> tuple[Incident, tuple[Entry, ...]]:
    """Move an incident, the one way in which people and the system change it.

    Args:
        incident: as it is; version 0 is a draft, for which `raise` is the only action.
        action: a key of `MOVES`.
        actor: who acts; people are refused what only the system does.
        at_ms: when, on the wall clock.
        note: what the person wrote about it.
        details: the action's own members, see its effect in `iotops.incidents.effects`.

    Returns:
        The incident afterwards and its new timeline entries: none where nothing had to change.
        The version grows by one exactly where what the incident says has changed.

    Raises:
        IllegalTransition: the state does not allow it; carries the actions that are allowed.
        TypeError: a detail that the action does not take.
    """
    move = MOVES.get(action)
    if move is None or not _permitted(incident, action, move, actor):
        raise IllegalTransition(incident.number or "a draft", incident.state, action, allowed_actions(incident))
    effect = EFFECTS[action](incident, Step(actor, at_ms), **details)
    if effect is None:
        return incident, ()
    after = _follow(replace(incident, **effect.fields), move, at_ms)
    if _says_something_else(incident, after):
        after = replace(after, version=incident.version + 1)
    entries = () if effect.data is None else (Entry(move.entry, at_ms, actor, effect.data, note),)
    return after, entries


def allowed_actions(incident: Incident) -> tuple[str, ...]:
    """Return what people may do now, in the order of the table."""
    return () if incident.version == 0 else _listed(incident.state, is_merged=incident.merged_into is not None)


@cache
def _listed(state: State, *, is_merged: bool) -> tuple[str, ...]:
    people = ((name, move) for name, move in MOVES.items() if move.listed and move.by_people)
    return tuple(name for name, move in people if _fits(move, state, is_merged=is_merged))


def _permitted(incident: Incident, action: str, move: Move, actor: Actor) -> bool:
    if (action == "raise") != (incident.version == 0):
        return False
    return _possible(incident, move) and (move.by_people or actor.kind == SYSTEM.kind)


def _possible(incident: Incident, move: Move) -> bool:
    return _fits(move, incident.state, is_merged=incident.merged_into is not None)


def _fits(move: Move, state: State, *, is_merged: bool) -> bool:
    return state in move.to and (is_merged or not move.only_merged)


def _follow(incident: Incident, move: Move, at_ms: int) -> Incident:
    """Enter the next state and keep what every state promises."""
    state = move.to[incident.state]
    if move.unowned is not None and incident.assignee is None:
        state = move.unowned
    acknowledged_ms = incident.acknowledged_ms
    if state is State.IN_PROGRESS and acknowledged_ms is None:
        acknowledged_ms = at_ms  # whoever works on it has seen it
    elif state is State.NEW:
        acknowledged_ms = None  # nobody owns it: somebody has to see it, again if it was reopened
    on_hold = state is State.ON_HOLD
    return replace(
        incident,
        state=state,
        acknowledged_ms=acknowledged_ms,
        hold_reason=incident.hold_reason if on_hold else None,
        hold_until_ms=incident.hold_until_ms if on_hold else None,
        grace_ms=incident.grace_ms if state is State.RESOLVED else None,
    )


def _says_something_else(before: Incident, after: Incident) -> bool:
    counts = {name: getattr(before, name) for name in _BOOK_KEEPING}
    return replace(after, **counts) != before or before.version == 0
