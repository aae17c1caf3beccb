"""Problems as rows, and their numbers as people write them."""

import secrets
from dataclasses import fields
from typing import Any

from sqlalchemy import Row, select, update

from iotops.errors import NotFound
from iotops.incidents.problem import Problem, ProblemState
from iotops.store.database import Unit
from iotops.store.numbers import Numbering
from iotops.store.tables import problem

_NUMBERS = Numbering("PRB", "problem")
_NAMES = tuple(each.name for each in fields(Problem))


def problem_id(number: str) -> int:
    """Return the row that a number names: `PRB-000123`, `prb-123` and `123` are the same.

    Raises:
        NotFound: no problem can have such a number.
    """
    return _NUMBERS.row(number)


def from_row(row: Row[Any]) -> Problem:
    """Return the problem that a row holds."""
    members = {name: getattr(row, name) for name in _NAMES}
    return Problem(**{**members, "state": ProblemState(row.state)})


def get_problem(unit: Unit, number: str, *, lock: bool = False) -> Problem:
    """Return a problem by its number; `lock` keeps it as it is until the unit ends.

    Raises:
        NotFound: there is none.
    """
    statement = select(problem).where(problem.c.id == problem_id(number))
    row = unit.connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        msg = f"problem {number!r} does not exist"
        raise NotFound(msg)
    return from_row(row)


def insert_problem(unit: Unit, new: Problem) -> Problem:
    """Insert a problem and number it."""
    row = {**_to_row(new), "number": f"new {secrets.token_hex(8)}"}  # the number is the id, known only then
    found = unit.connection.execute(problem.insert().values(row).returning(problem.c.id)).scalar_one()
    number = _NUMBERS.name(found)
    unit.connection.execute(update(problem).where(problem.c.id == found).values(number=number))
    return get_problem(unit, number)


def write_problem(unit: Unit, after: Problem) -> None:
    """Write a problem over its row."""
    where = problem.c.id == problem_id(after.number)
    unit.connection.execute(update(problem).where(where).values(_to_row(after)))


def _to_row(found: Problem) -> dict[str, Any]:
    return {name: getattr(found, name) for name in _NAMES} | {"state": found.state.value}
