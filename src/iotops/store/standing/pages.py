"""How a service stands, as those may read it who depend on it: no device, no rule, no person, no internal note."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select

from iotops.errors import NotFound
from iotops.incidents.incident import OPEN, Incident, State
from iotops.incidents.service_status import DAY_MS, Day, ServiceState, Span, days
from iotops.store import sla
from iotops.store.database import Unit
from iotops.store.incidents.rows import from_row, row_id
from iotops.store.sla import ShownClock
from iotops.store.standing.follow import UNWATCHED_MS
from iotops.store.tables import incident, service, service_span, service_state, supplier, timeline, timeline_text
from iotops.store.upsert import chunks

HISTORY_DAYS = 90
_MOST_SHOWN = 100  # incidents of the past that a page tells of; what is open is always among them


class Note(NamedTuple):
    """What somebody wrote for everybody."""

    at_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """An incident as far as it is public."""

    number: str
    state: State
    severity: str
    since_ms: int
    resolved_ms: int | None
    notes: Sequence[Note]


@dataclass(frozen=True, slots=True)
class Promised:
    """A supplier's own promise on an open incident."""

    supplier: str
    name: str | None
    incident: str
    clock: ShownClock


@dataclass(frozen=True, slots=True)
class Account:
    """How a service stands and stood.

    Attributes:
        since_ms: when the state began; None: nobody looked yet.
        seen_ms: when it was looked at last.
        open: incidents that concern it now; `over`: those of the days shown.
        suppliers: id -> name of all that it has.
    """

    service: str
    name: str | None
    public: bool
    state: str
    because: str
    since_ms: int | None
    seen_ms: int | None
    devices: int
    affected: int
    unheard: int
    open: Sequence[Report]
    over: Sequence[Report]
    suppliers: Mapping[str, str | None]
    promised: Sequence[Promised]
    days: Sequence[Day]


def is_public(unit: Unit, name: str) -> bool:
    """Tell whether a service's status is for everybody; one that does not exist is for nobody."""
    return bool(unit.connection.execute(select(service.c.public).where(service.c.id == name)).scalar())


def account(unit: Unit, name: str, now_ms: int, *, near: float) -> Account:
    """Return how a service stands.

    Args:
        unit: a transaction.
        name: its id.
        now_ms: the wall clock.
        near: share of a promised time after which a breach is near.

    Raises:
        NotFound: no such service is declared.
    """
    entry = unit.connection.execute(select(service.c.name, service.c.public).where(service.c.id == name)).one_or_none()
    if entry is None:
        msg = f"service {name!r} does not exist; declare it in services.yaml, or POST it to /services"
        raise NotFound(msg)
    row = unit.connection.execute(select(service_state).where(service_state.c.service == name)).one_or_none()
    spans = [*_spans(unit, name, now_ms), *([] if row is None else _now(row, now_ms))]
    found = _incidents(unit, {each for span in spans for each in span.incidents})
    still = [each for each in found.values() if each.is_open]
    over = [each for each in found.values() if not each.is_open][:_MOST_SHOWN]
    notes = _notes(unit, [row_id(each.number) for each in (*still, *over)])
    state, because, since_ms = _standing(row, now_ms)
    names = _names(unit, () if row is None else row.suppliers)
    return Account(
        service=name,
        name=entry.name,
        public=bool(entry.public),
        state=state,
        because=because,
        since_ms=since_ms,
        seen_ms=None if row is None else row.seen_ms,
        devices=0 if row is None else row.devices,
        affected=0 if row is None else row.affected,
        unheard=0 if row is None else row.unheard,
        open=[_report(each, notes) for each in still],
        over=[_report(each, notes) for each in over],
        suppliers=names,
        promised=_promised(unit, still, names, now_ms, near),
        days=days(spans, now_ms, HISTORY_DAYS),
    )


def _standing(row: Row[Any] | None, now_ms: int) -> tuple[str, str, int | None]:
    """Return state, why, and since when; what nobody looked at lately is unknown."""
    if row is None:
        return ServiceState.UNKNOWN.value, "nobody has looked at it yet", None
    if now_ms - row.seen_ms > UNWATCHED_MS:
        return ServiceState.UNKNOWN.value, "nobody watches it at present", row.seen_ms
    return row.state, row.because, row.since_ms


def _now(row: Row[Any], now_ms: int) -> list[Span]:
    """Return the spans that are not over: as it stands, and unknown from where nobody looked any more."""
    stale = now_ms - row.seen_ms > UNWATCHED_MS
    seen = Span(row.state, row.since_ms, row.seen_ms if stale else now_ms, row.incidents)
    return [seen, Span(ServiceState.UNKNOWN.value, row.seen_ms, now_ms)] if stale else [seen]


def _spans(unit: Unit, name: str, now_ms: int) -> list[Span]:
    since_ms = now_ms - now_ms % DAY_MS - (HISTORY_DAYS - 1) * DAY_MS
    statement = select(service_span).where(service_span.c.service == name, service_span.c.until_ms > since_ms)
    rows = unit.connection.execute(statement.order_by(service_span.c.until_ms, service_span.c.id))
    return [Span(row.state, row.since_ms, row.until_ms, row.incidents) for row in rows]


def _incidents(unit: Unit, ids: Collection[int]) -> dict[int, Incident]:
    """Return incidents, the newest first, without those that were none or whose story another one tells."""
    found: dict[int, Incident] = {}
    for some in chunks(sorted(ids)):
        statement = select(incident).where(incident.c.id.in_(some), incident.c.state != State.CANCELLED.value)
        found.update((row.id, from_row(row)) for row in unit.connection.execute(statement))
    return dict(sorted(found.items(), reverse=True))


def _notes(unit: Unit, ids: Sequence[int]) -> dict[int, list[Note]]:
    """Return incident -> what people wrote for everybody, the newest first; erased texts are gone."""
    found: dict[int, list[Note]] = {}
    for some in chunks(sorted(ids)):
        statement = (
            select(timeline.c.incident_id, timeline.c.at_ms, timeline.c.data, timeline_text.c.text)
            .join(timeline_text, timeline_text.c.seq == timeline.c.seq)
            .where(timeline.c.incident_id.in_(some), timeline.c.type == "commented")
        )
        for row in unit.connection.execute(statement.order_by(timeline.c.seq.desc())):
            if row.data.get("visibility") == "public":
                found.setdefault(row.incident_id, []).append(Note(row.at_ms, row.text))
    return found


def _report(found: Incident, notes: Mapping[int, Sequence[Note]]) -> Report:
    written = notes.get(row_id(found.number), ())
    resolved_ms = None if found.state in OPEN else found.resolved_ms
    return Report(found.number, found.state, found.severity.word, found.raised_ms, resolved_ms, written)


def _names(unit: Unit, ids: Iterable[str]) -> dict[str, str | None]:
    rows = unit.connection.execute(select(supplier.c.id, supplier.c.name).where(supplier.c.id.in_(list(ids))))
    declared = {row.id: row.name for row in rows}
    return {each: declared.get(each) for each in ids}


def _promised(
    unit: Unit, still: Sequence[Incident], names: Mapping[str, str | None], now_ms: int, near: float
) -> list[Promised]:
    theirs = [each for each in still if each.supplier]
    clocks = sla.clocks_of(unit, theirs, now_ms, near=near)
    return [
        Promised(each.supplier or "", names.get(each.supplier or ""), each.number, shown)
        for each in theirs
        for shown in clocks.get(each.number, ())
        if shown.clock.kind == "supplier"
    ]
