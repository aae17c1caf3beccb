"""The cause behind incidents that people look for: its states as data, and the one function that moves it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from iotops.errors import IllegalTransition


class ProblemState(StrEnum):
    """How far the search for a cause is; closed is terminal."""

    OPEN = "open"
    KNOWN_ERROR = "known_error"
    RESOLVED = "resolved"
    CLOSED = "closed"


LIVE = frozenset({ProblemState.OPEN, ProblemState.KNOWN_ERROR})
"""States in which a new incident that matches belongs to the problem."""

_STAY: Mapping[ProblemState, ProblemState] = {
    state: state for state in ProblemState if state is not ProblemState.CLOSED
}
_CLOSED: Mapping[ProblemState, ProblemState] = dict.fromkeys(_STAY, ProblemState.CLOSED)

PROBLEM_MOVES: Mapping[str, Mapping[ProblemState, ProblemState]] = {
    "known_error": {ProblemState.OPEN: ProblemState.KNOWN_ERROR},
    "resolve": {ProblemState.OPEN: ProblemState.RESOLVED, ProblemState.KNOWN_ERROR: ProblemState.RESOLVED},
    "reopen": {ProblemState.RESOLVED: ProblemState.OPEN},
    "close": _CLOSED,
    "link": _STAY,
    "unlink": _STAY,
    "edit": _STAY,
}
"""Action -> state before -> state after; a state that is missing does not allow the action."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, all times in Unix milliseconds.

    Attributes:
        number: `PRB-000001`; empty until the problem is stored.
        rule: new incidents of this rule belong to it while it is live; None: people link them.
        instance: of this instance only; None: of every one.
        site: of this site only; None: it concerns every site.
        workaround: what helps until the cause is gone.
        known_ms: when cause and workaround were known.
    """

    title: str
    number: str = ""
    state: ProblemState = ProblemState.OPEN
    root_cause: str | None = None
    workaround: str | None = None
    owner: str | None = None
    rule: str | None = None
    instance: str | None = None
    site: str | None = None
    opened_ms: int = 0
    known_ms: int | None = None
    resolved_ms: int | None = None
    closed_ms: int | None = None
    version: int = 1

    def covers(self, rule: str, instance: str, site: str) -> bool:
        """Say whether a new incident of a rule and instance at a site belongs here."""
        if self.state not in LIVE or self.rule is None or self.rule != rule:
            return False
        return self.instance in (None, instance) and self.site in (None, site)


def move_problem(problem: Problem, action: str, at_ms: int, **fields: Any) -> Problem:
    """Move a problem, with what is said of it on the way.

    Args:
        problem: as it is.
        action: a key of `PROBLEM_MOVES`.
        at_ms: when.
        fields: members that change: title, root_cause, workaround, owner, rule, instance.

    Returns:
        The problem afterwards; the same where nothing had to change.

    Raises:
        IllegalTransition: the state does not allow it; carries the actions that are allowed.
    """
    move = PROBLEM_MOVES.get(action, {})
    if problem.state not in move:
        raise IllegalTransition(problem.number, problem.state, action, problem_actions(problem))
    state = move[problem.state]
    after = replace(problem, state=state, **fields)
    if state is not problem.state:
        after = replace(
            after,
            known_ms=at_ms if state is ProblemState.KNOWN_ERROR else None if action == "reopen" else after.known_ms,
            resolved_ms=_over_ms(after, at_ms),
            closed_ms=at_ms if state is ProblemState.CLOSED else None,
        )
    return after if after == problem else replace(after, version=problem.version + 1)


def problem_actions(problem: Problem) -> tuple[str, ...]:
    """Return what can be done now, in the order of the table; `edit` is a change of members and not listed."""
    return tuple(name for name, move in PROBLEM_MOVES.items() if problem.state in move and name != "edit")


def _over_ms(after: Problem, at_ms: int) -> int | None:
    if after.state in LIVE:
        return None
    return at_ms if after.resolved_ms is None else after.resolved_ms
