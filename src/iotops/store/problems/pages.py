"""Lists of problems, a page at a time, the newest first."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import or_, select

from iotops.errors import NotFound
from iotops.incidents.problem import Problem
from iotops.store.database import Unit
from iotops.store.incidents.problem_rows import from_row, problem_id
from iotops.store.tables import problem
from iotops.store.upsert import chunks


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which problems to list; an empty tuple accepts everything. `only_site`: of that site, or of every site."""

    state: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    site: tuple[str, ...] = ()
    q: str | None = None
    only_site: str | None = None


def problem_page(unit: Unit, chosen: ProblemFilter, *, limit: int, after: int | None = None) -> list[Problem]:
    """Return up to `limit` problems, the newest first, those older than the row `after`."""
    statement = select(problem).order_by(problem.c.id.desc()).limit(limit)
    for name in ("state", "rule", "owner", "site"):
        if accepted := getattr(chosen, name):
            statement = statement.where(problem.c[name].in_(accepted))
    if chosen.only_site is not None:
        statement = statement.where(or_(problem.c.site.is_(None), problem.c.site == chosen.only_site))
    if chosen.q:
        texts = (problem.c.number, problem.c.title, problem.c.root_cause, problem.c.workaround)
        statement = statement.where(or_(*(each.icontains(chosen.q, autoescape=True) for each in texts)))
    if after is not None:
        statement = statement.where(problem.c.id < after)
    return [from_row(row) for row in unit.connection.execute(statement)]


def problems_of(unit: Unit, numbers: Collection[str | None]) -> dict[str, Problem]:
    """Return number -> problem, of those that exist among some."""
    ids = {problem_id(number) for number in numbers if number is not None}
    found: dict[str, Problem] = {}
    for chunk in chunks(sorted(ids)):
        for row in unit.connection.execute(select(problem).where(problem.c.id.in_(chunk))):
            found[row.number] = from_row(row)
    return found


def known_number(text: str) -> str | None:
    """Return the number that a filter means as it is stored, None where no problem has such a number."""
    try:
        return f"PRB-{problem_id(text):06d}"
    except NotFound:
        return None
