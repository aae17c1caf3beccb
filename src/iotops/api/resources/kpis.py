"""/kpis: the figures that people steer by, their definitions, and the incidents behind them."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from iotops.api.access import Caller, Viewer
from iotops.api.clock_shapes import clocked
from iotops.api.context import Context, ContextOf
from iotops.api.csv_text import CSV_ANSWER, MEDIA_TYPE, csv_answer
from iotops.api.incident_shapes import IncidentShape, PriorityWord
from iotops.api.kpi_shapes import FIGURE_COLUMNS, GroupWord, KpisShape, KpiWord, figure_rows, kpi_shape
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.problems import Problem
from iotops.api.shapes import InstantIn, Line, Shape
from iotops.durations import parse_duration, parse_instant
from iotops.incidents.kpi import KPIS, Figure
from iotops.store import kpi as figures_of
from iotops.store.database import Unit
from iotops.store.kpi import Behind, Noisy, Period

router = APIRouter(prefix="", tags=["kpis"])

_DEFAULT_MS = 30 * 86_400_000
_MOST_MS = 3_660 * 86_400_000
_ORDER = "number"
_NOTHING = Figure(None, 0)
_Names = Annotated[list[Line], Field(max_length=100)]
_IN_ORDER = ("day", "age")  # groups that are stretches of time


class Span(BaseModel):
    """Which time, and of what; a filter given more than once accepts each of its values."""

    since: InstantIn | None = Field(None, alias="from", description="default: 30 days before `to`")
    until: InstantIn | None = Field(None, alias="to", description="default: now")
    site: _Names = []
    service: _Names = []
    device: _Names = []
    priority: list[PriorityWord] = []


class Wanted(Span):
    """Which figures, and by what."""

    kpi: list[KpiWord] = Field([], description="default: all of them")
    by: GroupWord | None = None
    limit: Limit = 50


class WantedIncidents(Span):
    """Of which figure, or which of its groups."""

    kpi: KpiWord
    by: GroupWord | None = None
    key: Line = Field("", description="of the group, empty for that of incidents that have none; only with `by`")
    limit: Limit = 50
    cursor: Cursor = None


class WantedNoisy(Span):
    """Of which things, and how many."""

    by: Literal["rule", "device"] = "rule"
    limit: Limit = 10


class BehindShape(Shape):
    """One incident behind a figure."""

    incident: IncidentShape
    n: int = Field(description="how many rows of it count: clocks or alerts")
    value: int = Field(description="their sum: milliseconds, or how many of them count as 1")


class NoisyShape(Shape):
    """What a rule or a device raised, and what became of it."""

    key: str
    alerts: int = Field(description="that fired in the period and belong to an incident")
    unacted: int = Field(description="on whose incident no person did anything")
    short: int = Field(description="that cleared within two minutes")
    noise: int = Field(description="unacted, and cleared within five minutes")
    incidents: int
    false_alarms: int = Field(description="incidents with that verdict")


@router.get(
    "/kpis",
    operation_id="get_kpis",
    summary="Figures about incidents",
    response_model=KpisShape,
    responses=CSV_ANSWER,
)
def get_kpis(
    request: Request, caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]
) -> KpisShape | Response:
    """Return figures with their definitions; as CSV where `Accept` asks for it."""
    found = _figures(caller, context, wanted)
    if request.headers.get("accept", "").startswith(MEDIA_TYPE):
        return csv_answer("kpis", FIGURE_COLUMNS, figure_rows(found))
    return found


@router.get(
    "/kpis.csv",
    operation_id="get_kpis_csv",
    summary="Figures about incidents as a table",
    response_class=Response,
    responses=CSV_ANSWER,
)
def get_kpis_csv(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Response:
    """Return the same as `/kpis`, a line for each figure and each of its groups."""
    return csv_answer("kpis", FIGURE_COLUMNS, figure_rows(_figures(caller, context, wanted)))


@router.get("/kpis/incidents", operation_id="list_kpi_incidents", summary="The incidents behind a figure")
def list_kpi_incidents(
    caller: Viewer, context: ContextOf, wanted: Annotated[WantedIncidents, Query()]
) -> Page[BehindShape]:
    """Return what a figure was computed from, by number."""
    after: tuple[int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber])
    period = _period(caller, context, wanted)
    if period is None:
        return Page(items=[], next_cursor=None)
    with context.read() as unit:
        found = figures_of.behind(
            unit,
            wanted.kpi,
            period,
            by=wanted.by,
            key=_key(wanted.by, wanted.key),
            after=0 if after is None else after[0],
            limit=wanted.limit + 1,
        )
        shapes = dict(
            zip((each.id for each in found), clocked(unit, context, [b.incident for b in found]), strict=True)
        )
    return page_of(
        found,
        wanted.limit,
        lambda each: BehindShape(incident=shapes[each.id], n=each.n, value=each.value),
        _cursor,
    )


@router.get("/kpis/noisy", operation_id="list_noisy", summary="Noisy rules or devices")
def list_noisy(caller: Viewer, context: ContextOf, wanted: Annotated[WantedNoisy, Query()]) -> list[NoisyShape]:
    """Return the rules or devices with the most alerts that nobody needed, the worst first."""
    period = _period(caller, context, wanted)
    if period is None:
        return []
    with context.read() as unit:
        return [_noisy_shape(each) for each in figures_of.noisy(unit, period, wanted.by, wanted.limit)]


def _figures(caller: Caller, context: Context, wanted: Wanted) -> KpisShape:
    period = _period(caller, context, wanted)
    if period is None:
        raise Problem("forbidden", f"the token is for site {caller.site!r} only; ask for that site, or for none")
    names = [name for name in KPIS if not wanted.kpi or name in wanted.kpi]
    with context.read() as unit:
        items = [_kpi(unit, name, period, wanted) for name in names]
    return KpisShape.model_validate({"from": period.from_ms, "to": period.to_ms, "by": wanted.by, "items": items})


def _kpi(unit: Unit, name: str, period: Period, wanted: Wanted) -> object:
    whole = figures_of.figures(unit, name, period).get("", _NOTHING)
    before = figures_of.figures(unit, name, period.previous).get("", _NOTHING)
    groups = [] if wanted.by is None else list(figures_of.figures(unit, name, period, wanted.by).items())
    if wanted.by in _IN_ORDER:
        groups.sort(key=lambda group: int(group[0] or 0))
    return kpi_shape(name, whole, before, groups, period=period, by=wanted.by, limit=wanted.limit)


def _period(caller: Caller, context: Context, wanted: Span) -> Period | None:
    """Return the period asked for, of the sites that the caller sees; None where those are none."""
    now_ms = context.now_ms()
    to_ms = now_ms if wanted.until is None else wanted.until
    from_ms = max(0, to_ms - _DEFAULT_MS) if wanted.since is None else wanted.since
    if not 0 < to_ms - from_ms <= _MOST_MS:
        detail = "from and to: expected from before to, at most ten years apart"
        raise Problem("validation_failed", detail, errors=[{"place": "query.from", "detail": detail}])
    sites = caller.sites(wanted.site)
    if sites is None:
        return None
    chosen = (tuple(wanted.service), tuple(wanted.device), tuple(wanted.priority))
    return Period(from_ms, to_ms, now_ms, sites, *chosen)


def _key(by: str | None, key: str) -> str | None:
    """Return a key as the store has it: a day by its first millisecond, an age by the shortest one."""
    if by not in _IN_ORDER or not key:
        return key or None
    try:
        return str(parse_instant(key) if by == "day" else parse_duration(key))
    except ValueError as error:
        detail = f"key: {key!r} is no {by}; write one such as {'2026-12-24' if by == 'day' else '4h'}"
        raise Problem("validation_failed", detail, errors=[{"place": "query.key", "detail": detail}]) from error


def _noisy_shape(each: Noisy) -> NoisyShape:
    return NoisyShape.model_validate(asdict(each))


def _cursor(each: Behind) -> str:
    return encode_cursor(_ORDER, (each.id,))
