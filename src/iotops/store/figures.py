"""Counts by rule and by metric, a row for each day: what happened too often to be kept one by one."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import func, select

from iotops.store.database import Unit
from iotops.store.tables import figure
from iotops.store.upsert import INSERT

DAY_MS = 86_400_000


class Figure(NamedTuple):
    """What is counted: of a `rule` or a metric (see `of_metrics`), its name, and which count."""

    kind: str
    of: str
    name: str


def of_metrics(lateness_ms: int) -> str:
    """Return the kind of counts of metrics as rules see them that wait so long for samples which come late."""
    return f"metric+{lateness_ms}" if lateness_ms else "metric"


def add(unit: Unit, counts: Mapping[Figure, int], now_ms: int) -> None:
    """Add counts to those of the day."""
    if not counts:
        return
    statement = INSERT[unit.dialect](figure)
    statement = statement.on_conflict_do_update(
        index_elements=list(figure.primary_key), set_={"value": figure.c.value + statement.excluded.value}
    )
    day_ms = now_ms // DAY_MS * DAY_MS
    rows = [{"day_ms": day_ms, "kind": f.kind, "of": f.of, "name": f.name, "value": n} for f, n in counts.items()]
    unit.connection.execute(statement, rows)


def totals(unit: Unit, kind: str, since_ms: int, until_ms: int) -> dict[str, dict[str, int]]:
    """Return whose -> name -> count over the days that a range touches."""
    statement = (
        select(figure.c.of, figure.c.name, func.sum(figure.c.value).label("n"))
        .where(figure.c.kind == kind, figure.c.day_ms > since_ms - DAY_MS, figure.c.day_ms < until_ms)
        .group_by(figure.c.of, figure.c.name)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in unit.connection.execute(statement):
        found[row.of][row.name] = int(row.n)
    return found
