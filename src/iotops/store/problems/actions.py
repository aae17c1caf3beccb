"""Problems as stored: made of incidents or of what comes back, worked on, and what that means for their incidents.

A problem's history stands on the timelines of its incidents. Rows are locked in one order: the problem, its
incidents by number, the timeline's head.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

from sqlalchemy import select

from iotops.errors import Conflict, NotFound
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor, Incident, State
from iotops.incidents.problem import LIVE, Problem, ProblemState, move_problem
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.store import timeline
from iotops.store.database import Unit
from iotops.store.incidents.actions import act, is_firing
from iotops.store.incidents.problem_rows import get_problem, insert_problem, write_problem
from iotops.store.incidents.rows import changed_columns, from_row, number_of, row_id, write
from iotops.store.numbers import must_have_version
from iotops.store.tables import incident, problem
from iotops.store.upsert import chunks

BY_PROBLEM = "problem"
"""Resolution code of incidents that were resolved together with their problem."""

Fate = Literal["leave", "resolve", "close"]
"""What becomes of a problem's incidents: they stay linked as they are; open ones resolve; or all end that can."""

_TOLD = ("root_cause", "workaround")


class Deed(NamedTuple):
    """Who does something, when, by which times of the life cycle; `expected_version`: what they have read."""

    actor: Actor
    now_ms: int
    policy: Policy
    expected_version: int | None = None


def create_problem(unit: Unit, draft: Problem, numbers: Sequence[str], deed: Deed) -> Problem:
    """Open a problem behind incidents, which may be none yet.

    Raises:
        NotFound: one of the incidents does not exist.
        Conflict: a live problem covers the same rule and instance, or one of them belongs to another problem.
    """
    if draft.rule is not None:
        _must_be_the_first(unit, draft)
    new = _linkable(unit, draft, numbers)
    made = insert_problem(unit, replace(draft, opened_ms=deed.now_ms))
    _link(unit, made, new, deed)
    return made


def act_on_problem(unit: Unit, number: str, action: str, deed: Deed, *, fate: Fate = "leave", **said: Any) -> Problem:
    """Move a problem, say so on its incidents' timelines, and let these share its fate.

    Args:
        unit: a write unit.
        number: of the problem.
        action: `known_error`, `resolve`, `reopen`, `close`, or `edit`.
        deed: who and when.
        fate: of its incidents.
        said: members that change, see `move_problem`.

    Raises:
        NotFound: there is no such problem.
        StaleVersion: it was changed since `expected_version`.
        IllegalTransition: its state does not allow it.
        Conflict: a known error without a root cause or a workaround.
    """
    before = _locked(unit, number, deed)
    after = move_problem(before, action, deed.now_ms, **said)
    if after.state is ProblemState.KNOWN_ERROR and not (after.root_cause and after.workaround):
        msg = f"{after.number} is no known error without root_cause and workaround; say both"
        raise Conflict(msg)
    if after == before:
        return before
    write_problem(unit, after)
    if action != "edit" or any(getattr(before, name) != getattr(after, name) for name in _TOLD):
        facts = {"did": action, "state": after.state.value}
        _tell(unit, _linked(unit, after), deed, lambda each: _move(each, "move_problem", deed, after.workaround, facts))
    _share(unit, after, fate, deed)
    return after


def link_incidents(unit: Unit, number: str, numbers: Sequence[str], deed: Deed) -> Problem:
    """Say that a problem is behind incidents; those that it is behind already stay as they are.

    Raises:
        NotFound, StaleVersion, IllegalTransition: as `act_on_problem`.
        Conflict: one of them belongs to another problem.
    """
    after = move_problem(_locked(unit, number, deed), "link", deed.now_ms)
    new = _linkable(unit, after, numbers)
    _link(unit, after, new, deed)
    return _counted(unit, after) if new else after


def unlink_incidents(unit: Unit, number: str, numbers: Sequence[str], deed: Deed) -> Problem:
    """Say that a problem is not behind incidents; those that do not belong to it stay as they are.

    Raises:
        NotFound, StaleVersion, IllegalTransition: as `act_on_problem`.
    """
    after = move_problem(_locked(unit, number, deed), "unlink", deed.now_ms)
    mine = [each for each in _incidents(unit, numbers) if each.problem == after.number]
    _tell(unit, mine, deed, lambda each: _move(each, "unlink_problem", deed, None, {}))
    return _counted(unit, after) if mine else after


def linked_numbers(unit: Unit, numbers: Collection[str], *, site: str | None = None) -> dict[str, list[str]]:
    """Return problem -> numbers of its incidents, the oldest first; of one site only where it is given."""
    found: dict[str, list[str]] = {number: [] for number in numbers}
    for chunk in chunks(sorted(numbers)):
        statement = select(incident.c.problem, incident.c.number).where(incident.c.problem.in_(chunk))
        if site is not None:
            statement = statement.where(incident.c.site == site)
        for row in unit.connection.execute(statement.order_by(incident.c.id)):
            found[row.problem].append(row.number)
    return found


def _locked(unit: Unit, number: str, deed: Deed) -> Problem:
    found = get_problem(unit, number, lock=True)
    must_have_version(found.number, found.version, deed.expected_version)
    return found


def _must_be_the_first(unit: Unit, draft: Problem) -> None:
    same = (problem.c.rule == draft.rule, problem.c.instance.is_not_distinct_from(draft.instance))
    live = problem.c.state.in_([state.value for state in LIVE])
    for row in unit.connection.execute(select(problem.c.number, problem.c.site).where(*same, live)):
        if row.site in (None, draft.site) or draft.site is None:
            about = f"{draft.rule} on {draft.instance}" if draft.instance else str(draft.rule)
            msg = f"{row.number} is about {about} already; link incidents to it"
            raise Conflict(msg)


def _linkable(unit: Unit, home: Problem, numbers: Sequence[str]) -> list[Incident]:
    """Return those of some incidents that do not belong to a problem yet, locked."""
    found = _incidents(unit, numbers)
    for each in found:
        if each.problem not in (None, home.number):
            msg = f"{each.number} belongs to {each.problem}; unlink it there first"
            raise Conflict(msg)
        if home.site is not None and each.site != home.site:
            where = f"of site {each.site!r}" if each.site else "of no site"
            msg = f"{each.number} is {where}, and the problem {home.title!r} concerns {home.site!r} only; leave it out"
            raise Conflict(msg)
    return [each for each in found if each.problem is None]


def _link(unit: Unit, home: Problem, new: Iterable[Incident], deed: Deed) -> None:
    facts = {"problem": home.number, "state": home.state.value}
    _tell(unit, new, deed, lambda each: _move(each, "link_problem", deed, home.workaround, facts))


def _counted(unit: Unit, before: Problem) -> Problem:
    """Give a problem whose incidents changed a new version."""
    after = replace(before, version=before.version + 1)
    write_problem(unit, after)
    return after


def _incidents(unit: Unit, numbers: Sequence[str]) -> list[Incident]:
    """Return incidents by their numbers, locked.

    Raises:
        NotFound: one of them does not exist.
    """
    ids = {row_id(number) for number in numbers}
    found: dict[int, Incident] = {}
    for chunk in chunks(sorted(ids)):
        statement = select(incident).where(incident.c.id.in_(chunk)).order_by(incident.c.id).with_for_update()
        found.update((row.id, from_row(row)) for row in unit.connection.execute(statement))
    if missing := ids - found.keys():
        msg = f"incident {number_of(min(missing))} does not exist"
        raise NotFound(msg)
    return list(found.values())


def _linked(unit: Unit, home: Problem) -> list[Incident]:
    return _incidents(unit, linked_numbers(unit, [home.number])[home.number])


_Moved = tuple[Incident, tuple[Entry, ...]]


def _move(each: Incident, action: str, deed: Deed, note: str | None, facts: dict[str, str]) -> _Moved:
    return transition(each, action, deed.actor, deed.now_ms, note=note, **facts)


def _tell(unit: Unit, found: Iterable[Incident], deed: Deed, move: Callable[[Incident], _Moved]) -> None:
    entries: list[tuple[int, Entry]] = []
    for before in found:
        after, said = move(before)
        write(unit, row_id(before.number), changed_columns(before, after, deed.policy, by_machine=False))
        entries.extend((row_id(before.number), entry) for entry in said)
    if entries:
        timeline.append(unit, entries)


def _share(unit: Unit, home: Problem, fate: Fate, deed: Deed) -> None:
    """Resolve what is open, and close what is resolved, as far as asked for; what still fires is never closed."""
    if fate == "leave":
        return
    cause = f"{home.number} {home.title}"
    for each in _linked(unit, home):
        after = each
        if each.is_open:
            after = act(
                *(unit, each.number, "resolve", deed.actor, deed.now_ms),
                policy=deed.policy,
                code=BY_PROBLEM,
                cause=cause,
            )
        if fate == "close" and after.state is State.RESOLVED and not is_firing(unit, row_id(each.number)):
            act(unit, each.number, "close", deed.actor, deed.now_ms, policy=deed.policy)
