"""Figures: one statement each over its population, alike on both databases."""

from typing import Any

from sqlalchemy import Float, Select, case, cast, func, select

from iotops.incidents.kpi import KPIS, Figure
from iotops.store.database import Unit
from iotops.store.kpi.backlog import backlog_by_day
from iotops.store.kpi.failures import between_failures
from iotops.store.kpi.period import Period
from iotops.store.kpi.populations import population

Figures = dict[str | None, Figure]
"""Key of the group (None: those that have none) -> figure."""


def figures(unit: Unit, kpi: str, period: Period, by: str | None = None) -> Figures:
    """Return a figure by group; without `by`, under the key "" the one over everything.

    Args:
        unit: a transaction.
        kpi: a key of `iotops.incidents.kpi.KPIS`.
        period: what it is about.
        by: one of `GROUPS`, or None.
    """
    if by == "age" and kpi != "backlog":
        return {}  # only what is open has an age
    if kpi == "mtbf":
        return between_failures(unit, period, by)
    if kpi == "backlog" and by == "day":
        now = figures(unit, kpi, period).get("", Figure(0, 0)).n
        return {day: Figure(n, n) for day, n in backlog_by_day(unit, period, now).items()}
    summed = _counted if kpi == "volume" or KPIS[kpi].unit == "share" else _summed
    rows = unit.connection.execute(summed(population(kpi, period, by)))
    found: Figures = {row.key: _figure(KPIS[kpi].unit, kpi, row) for row in rows}
    if by is None and not found:
        found[""] = Figure(0 if KPIS[kpi].unit == "count" else None, 0)
    return found


def _counted(rows: Select[Any]) -> Select[Any]:
    """Return per group: how many, and the mean; nobody asks for the middle of ones and noughts."""
    each = rows.subquery()
    mean = func.avg(cast(each.c.value, Float)).label("mean")
    grouped = select(each.c.key, func.count().label("n"), mean).group_by(each.c.key)
    return grouped.order_by(func.count().desc(), each.c.key)


def _summed(rows: Select[Any]) -> Select[Any]:
    """Return per group: how many, the mean, the middle, and what nine of ten do not exceed."""
    each = rows.subquery()
    ranked = select(
        each.c.key,
        each.c.value,
        func.row_number().over(partition_by=each.c.key, order_by=each.c.value).label("rank"),
        func.count().over(partition_by=each.c.key).label("n"),
    ).subquery()
    value = cast(ranked.c.value, Float)
    in_the_middle = (ranked.c.rank * 2).between(ranked.c.n, ranked.c.n + 2)
    return (
        select(
            ranked.c.key,
            func.count().label("n"),
            func.avg(value).label("mean"),
            func.avg(case((in_the_middle, value))).label("median"),
            func.min(case((ranked.c.rank * 10 >= ranked.c.n * 9, value))).label("p90"),
        )
        .group_by(ranked.c.key)
        .order_by(func.count().desc(), ranked.c.key)
    )


def _figure(unit: str, kpi: str, row: Any) -> Figure:
    if unit == "share":
        return Figure(row.mean, row.n)
    if kpi == "volume":
        return Figure(row.n, row.n)
    return Figure(row.n if unit == "count" else row.mean, row.n, row.mean, row.median, row.p90)
