"""Answers to requests that carried an Idempotency-Key, kept so that a repetition is answered and not done again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update

from iotops.store.database import Unit
from iotops.store.tables import idempotency
from iotops.store.upsert import INSERT

KEEP_MS = 86_400_000  # a client that still retries after a day has lost its own queue
_UNANSWERED = 0


@dataclass(frozen=True, slots=True)
class Repeatable:
    """One request as it can be recognised: whose, its key, and digests of what it asked for."""

    token_id: str
    key: str
    method_path: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered, and to which request."""

    request: Repeatable
    status: int
    response: Any


def claim(unit: Unit, request: Repeatable, now_ms: int) -> KeptAnswer | None:
    """Return the answer kept for this key; None: nobody used it, it is ours now, and `keep` must follow in this unit.

    Whoever comes second waits for the first one's commit: on SQLite for the write lock, on PostgreSQL for the row.
    """
    unit.connection.execute(delete(idempotency).where(idempotency.c.expires_ms <= now_ms))
    row = {
        "key": request.key,
        "token_id": request.token_id,
        "method_path": request.method_path,
        "body_hash": request.body_hash,
        "status": _UNANSWERED,
        "response": None,
        "expires_ms": now_ms + KEEP_MS,
    }
    ours = INSERT[unit.dialect](idempotency).values(row).on_conflict_do_nothing().returning(idempotency.c.key)
    return _find(unit, request) if unit.connection.execute(ours).first() is None else None


def keep(unit: Unit, request: Repeatable, status: int, response: Any) -> None:
    """Keep the answer to a request that `claim` has claimed in the same unit."""
    unit.connection.execute(update(idempotency).where(*_is(request)).values(status=status, response=response))


def _find(unit: Unit, request: Repeatable) -> KeptAnswer:
    row = unit.connection.execute(select(idempotency).where(*_is(request))).one()
    found = Repeatable(row.token_id, row.key, row.method_path, row.body_hash)
    return KeptAnswer(found, row.status, row.response)


def _is(request: Repeatable) -> tuple[Any, ...]:
    return idempotency.c.key == request.key, idempotency.c.token_id == request.token_id
