"""Look at every service now and then, and remember how long it stood how."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from iotops.incidents.service_status import Judgement, ServiceState, Span, judge
from iotops.store.database import Database, Unit
from iotops.store.standing.sights import Seen, look
from iotops.store.tables import service_span, service_state

UNWATCHED_MS = 60_000
"""A state that nobody looked at for so long says nothing about now."""
_MOST_INCIDENTS = 200  # of one state of one service; older ones go first


def follow(database: Database, now_ms: int, *, silent_ms: int, threshold: float) -> None:
    """Judge all services as they are now, in one short transaction after reading.

    Args:
        database: where everything is.
        now_ms: the wall clock.
        silent_ms: see `look`.
        threshold: see `judge`.
    """
    with database.read() as unit:
        seen = look(unit, now_ms, silent_ms=silent_ms)
        known = {row.service: row for row in unit.connection.execute(select(service_state))}
    if not seen and not known:
        return
    with database.begin() as unit:
        for name, each in seen.items():
            row = known.get(name)
            _keep(unit, row, {"service": name, **_columns(each, judge(each.sight, threshold), now_ms)})
        for name in known.keys() - seen.keys():
            _end(unit, known[name], known[name].seen_ms)
            unit.connection.execute(delete(service_state).where(service_state.c.service == name))


def forget(unit: Unit, before_ms: int) -> None:
    """Forget what was over before an instant."""
    unit.connection.execute(delete(service_span).where(service_span.c.until_ms < before_ms))


def _columns(seen: Seen, judged: Judgement, now_ms: int) -> dict[str, Any]:
    return {
        "state": judged.state.value,
        "because": judged.because,
        "seen_ms": now_ms,
        "since_ms": now_ms,
        "incidents": list(seen.incidents[-_MOST_INCIDENTS:]),
        "suppliers": list(seen.suppliers),
        "devices": seen.sight.devices,
        "affected": seen.sight.affected,
        "unheard": seen.sight.unheard,
    }


def _keep(unit: Unit, row: Row[Any] | None, now: dict[str, Any]) -> None:
    """Write how a service stands now over how it stood; that is over where it differs, or nobody looked for long."""
    if row is None:
        unit.connection.execute(insert(service_state).values(now))
        return
    now_ms = now["seen_ms"]
    away = now_ms - row.seen_ms > UNWATCHED_MS
    if away or row.state != now["state"]:
        _end(unit, row, row.seen_ms if away else now_ms)
        if away:
            _remember(unit, row.service, Span(ServiceState.UNKNOWN.value, row.seen_ms, now_ms))
    else:
        now = {**now, "since_ms": row.since_ms, "incidents": _both(row.incidents, now["incidents"])}
    unit.connection.execute(update(service_state).where(service_state.c.service == row.service).values(now))


def _end(unit: Unit, row: Row[Any], until_ms: int) -> None:
    _remember(unit, row.service, Span(row.state, row.since_ms, until_ms, row.incidents))


def _remember(unit: Unit, name: str, span: Span) -> None:
    times = {"since_ms": span.since_ms, "until_ms": span.until_ms}
    values = {"service": name, "state": span.state, **times, "incidents": list(span.incidents)}
    unit.connection.execute(insert(service_span).values(values))


def _both(before: Iterable[int], now: Iterable[int]) -> list[int]:
    return sorted({*before, *now})[-_MOST_INCIDENTS:]
