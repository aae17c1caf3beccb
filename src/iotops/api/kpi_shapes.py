"""What figures about incidents look like from outside."""

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlencode

from pydantic import ConfigDict, Field

from iotops.api.shapes import Instant, Shape
from iotops.durations import format_duration, format_instant
from iotops.incidents.kpi import KPIS, Figure
from iotops.store.kpi import Period

KpiWord = Literal[
    "mtta",
    "mttr",
    "mttr_business",
    "mtbf",
    "volume",
    "backlog",
    "sla_respond",
    "sla_resolve",
    "sla_supplier",
    "reopened",
    "noise",
    "false_alarms",
]
GroupWord = Literal["service", "site", "supplier", "rule", "priority", "team", "device", "day", "age"]
FIGURE_COLUMNS = ("kpi", "unit", "by", "key", "value", "n", "mean", "median", "p90", "previous_value", "previous_n")
"""Of a table of figures; a line without a key is the figure over everything."""


class FigureShape(Shape):
    """A figure, or a group of it; null where there was nothing to count."""

    value: float | None = Field(description="milliseconds, a share from 0 to 1, or a count, as `unit` says")
    n: int = Field(description="incidents, clocks or alerts that it was computed from")
    mean: float | None
    median: float | None
    p90: float | None = Field(description="the smallest one that nine of ten do not exceed")
    incidents: str = Field(description="where the incidents behind it are listed")


class PreviousShape(Shape):
    """The same over the period of the same length before."""

    value: float | None
    n: int


class GroupShape(FigureShape):
    """A figure over a part of the incidents."""

    key: str | None = Field(description="null: those that have none; of ages the shortest: 4h is up to 1d")


class KpiShape(FigureShape):
    """A figure with its definition."""

    kpi: KpiWord
    title: str
    unit: Literal["ms", "share", "count"]
    definition: str
    previous: PreviousShape
    groups: list[GroupShape] = Field(
        description="those with the most behind them first, days in order; empty without by"
    )
    groups_left_off: int = Field(description="groups beyond the limit")


class KpisShape(Shape):
    """Figures over a period."""

    since: Instant = Field(alias="from")
    until: Instant = Field(alias="to")
    by: GroupWord | None
    items: list[KpiShape]

    model_config = ConfigDict(serialize_by_alias=True)


def figure_members(
    kpi: str, figure: Figure, period: Period, by: str | None = None, key: str | None = ""
) -> dict[str, Any]:
    """Return the members of a figure, with the list of what is behind it."""
    asked = {"kpi": kpi, "from": format_instant(period.from_ms), "to": format_instant(period.to_ms)}
    group = {} if by is None else {"by": by, "key": _shown(by, key) or ""}
    link = f"/api/v1/kpis/incidents?{urlencode([*asked.items(), *group.items(), *_scope(period)])}"
    return {
        "value": figure.value,
        "n": figure.n,
        "mean": figure.mean,
        "median": figure.median,
        "p90": figure.p90,
        "incidents": link,
    }


def kpi_shape(
    name: str,
    figure: Figure,
    before: Figure,
    groups: list[tuple[str | None, Figure]],
    *,
    period: Period,
    by: str | None,
    limit: int,
) -> KpiShape:
    """Return a figure as clients see it."""
    kpi = KPIS[name]
    shown = [
        GroupShape(key=_shown(by, key), **figure_members(name, each, period, by, key)) for key, each in groups[:limit]
    ]
    return KpiShape.model_validate(
        {
            "kpi": name,
            "title": kpi.title,
            "unit": kpi.unit,
            "definition": kpi.definition,
            "previous": {"value": before.value, "n": before.n},
            "groups": [each.model_dump() for each in shown],
            "groups_left_off": max(0, len(groups) - limit),
            **figure_members(name, figure, period),
        }
    )


def figure_rows(kpis: KpisShape) -> Iterator[dict[str, Any]]:
    """Yield a row of `FIGURE_COLUMNS` for each figure, and one for each of its groups."""
    for each in kpis.items:
        told = each.model_dump(include={"kpi", "unit", "value", "n", "mean", "median", "p90"})
        yield {**told, "previous_value": each.previous.value, "previous_n": each.previous.n}
        for group in each.groups:
            yield {**group.model_dump(), "kpi": each.kpi, "unit": each.unit, "by": kpis.by}


def _shown(by: str | None, key: str | None) -> str | None:
    """Return a key as people write it: a day as a date, an age as a duration."""
    if by == "day" and key:
        return format_instant(int(key))[:10]
    return format_duration(int(key)) if by == "age" and key else key


def _scope(period: Period) -> Iterator[tuple[str, str]]:
    chosen = {"site": period.sites, "service": period.services, "device": period.devices, "priority": period.priorities}
    for name, values in chosen.items():
        yield from ((name, value) for value in values)
