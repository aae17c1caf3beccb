"""What comes back: each new incident is counted with those before it, and given to the problem that covers it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select

from iotops.incidents.incident import SYSTEM, Incident, State
from iotops.incidents.problem import LIVE, Problem
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.store.database import Unit
from iotops.store.incidents.problem_rows import from_row
from iotops.store.tables import incident, problem
from iotops.store.upsert import chunks

WINDOW_MS = 30 * 86_400_000
ENOUGH = 3
"""So many incidents of one rule and instance within the window propose a problem."""

Recognised = tuple[Incident, tuple[Entry, ...]]


class _Before(NamedTuple):
    """Incidents of the same instance within the window before one: how many, since when, and whether one proposed."""

    times: int
    first_ms: int
    proposed: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fault that came back often enough, and that no live problem covers.

    `newest_id` orders candidates; `incidents` are numbers, the oldest first; times are event times of the alerts.
    """

    newest_id: int
    rule: str
    instance: str
    site: str | None
    device: str | None
    title: str
    incidents: tuple[str, ...]
    first_ms: int
    last_ms: int


def recognise(unit: Unit, raised: Sequence[tuple[int, Incident]]) -> dict[int, Recognised]:
    """Say of new incidents to which live problem they belong, and else how often the same came lately.

    Args:
        unit: the unit that inserted them.
        raised: row and incident of each.

    Returns:
        Row -> the incident afterwards and its entries, of those for which there is something to write.
    """
    own = [(found, each) for found, each in raised if each.rule and each.state is not State.CANCELLED]
    if not own:
        return {}
    known = _live(unit, {each.rule for _, each in own})
    homes = {found: home for found, each in own if (home := _home(known, each)) is not None}
    again = [found for found, each in own if each.recurrence_of is not None and found not in homes]
    before = _before(unit, again)
    recognised: dict[int, Recognised] = {}
    for found, each in own:
        if (home := homes.get(found)) is not None:
            said = {"problem": home.number, "state": home.state.value}
            recognised[found] = transition(each, "link_problem", SYSTEM, each.raised_ms, note=home.workaround, **said)
        elif (earlier := before.get(found)) is not None:
            recognised[found] = _counted(each, earlier)
    return recognised


def candidates(
    unit: Unit,
    now_ms: int,
    *,
    sites: Sequence[str] = (),
    of: tuple[str, str] | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[Candidate]:
    """Return faults that propose a problem, the newest first; only those asked for, older than `after`."""
    newest = func.max(incident.c.id).label("newest")
    covered = and_(
        problem.c.state.in_([state.value for state in LIVE]),
        problem.c.rule == incident.c.rule,
        or_(problem.c.instance.is_(None), problem.c.instance == incident.c.instance),
        or_(problem.c.site.is_(None), problem.c.site == incident.c.site),
    )
    statement = select(newest).where(incident.c.recurrence_count >= ENOUGH, incident.c.problem.is_(None))
    statement = statement.where(incident.c.raised_ms >= now_ms - WINDOW_MS, incident.c.state != State.CANCELLED.value)
    statement = statement.where(~select(problem.c.id).where(covered).exists())
    if sites:
        statement = statement.where(incident.c.site.in_(sites))
    if of is not None:
        statement = statement.where(incident.c.rule == of[0], incident.c.instance == of[1])
    statement = statement.group_by(incident.c.rule, incident.c.instance)
    if after is not None:
        statement = statement.having(newest < after)
    ids = unit.connection.execute(statement.order_by(newest.desc()).limit(limit)).scalars().all()
    return [_candidate(unit, found) for found in ids]


def _candidate(unit: Unit, newest_id: int) -> Candidate:
    last = unit.connection.execute(select(incident).where(incident.c.id == newest_id)).one()
    rows = unit.connection.execute(
        select(incident.c.number, incident.c.fired_ms)
        .where(incident.c.rule == last.rule, incident.c.instance == last.instance, incident.c.id <= newest_id)
        .where(incident.c.fired_ms > last.fired_ms - WINDOW_MS, *_COUNTS)
        .order_by(incident.c.id)
    ).all()
    numbers = tuple(row.number for row in rows)
    first_ms = min(row.fired_ms for row in rows)
    return Candidate(
        newest_id, last.rule, last.instance, last.site, last.device, last.title, numbers, first_ms, last.fired_ms
    )


_COUNTS = (incident.c.state != State.CANCELLED.value, incident.c.problem.is_(None))
"""What is counted: incidents that were some, and whose cause nobody looks for yet."""


def _live(unit: Unit, rules: set[str]) -> list[Problem]:
    """Return the live problems of rules, those of one instance first, then the newest."""
    found: list[Problem] = []
    for names in chunks(sorted(rules)):
        statement = select(problem).where(problem.c.rule.in_(names), problem.c.state.in_([each.value for each in LIVE]))
        found.extend(from_row(row) for row in unit.connection.execute(statement.order_by(problem.c.id.desc())))
    return sorted(found, key=lambda each: each.instance is None)


def _home(known: Sequence[Problem], new: Incident) -> Problem | None:
    return next((each for each in known if each.covers(new.rule, new.instance, new.site)), None)


def _counted(new: Incident, before: _Before) -> Recognised:
    count = before.times + 1
    propose = count >= ENOUGH and not before.proposed
    first_ms = before.first_ms
    return transition(new, "recur", SYSTEM, new.raised_ms, count=count, first_ms=first_ms, propose=propose)


def _before(unit: Unit, ids: Sequence[int]) -> dict[int, _Before]:
    new, old = incident.alias("new"), incident.alias("old")
    same = and_(old.c.rule == new.c.rule, old.c.instance == new.c.instance, old.c.id < new.c.id)
    counted = and_(old.c.state != State.CANCELLED.value, old.c.problem.is_(None))
    found: dict[int, _Before] = {}
    for chunk in chunks(ids):
        statement = (
            select(
                new.c.id,
                func.count().label("n"),
                func.min(old.c.fired_ms).label("first_ms"),
                func.max(old.c.recurrence_count).label("most"),
            )
            .join(old, same)
            .where(new.c.id.in_(chunk), counted, old.c.fired_ms > new.c.fired_ms - WINDOW_MS)
            .group_by(new.c.id)
        )
        for row in unit.connection.execute(statement):
            found[row.id] = _Before(row.n, row.first_ms, row.most >= ENOUGH)
    return found
