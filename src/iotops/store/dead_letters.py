"""Messages that could not be used, kept with their reason until they are redriven or too old."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, case, func, select, update

from iotops.errors import NotFound
from iotops.store.database import Unit
from iotops.store.tables import dead_letter as table
from iotops.store.upsert import chunks
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message

HEAD_BYTES = 200
KEPT_BYTES = 262_144  # the largest message that is decoded at all; of a longer one only digest and head are kept
# A redelivery comes when the session is resumed; equal bytes that come later are a new message of that device.
_REDELIVERY_MS = 600_000


@dataclass(frozen=True, slots=True)
class KeptLetter:
    """A dead letter as stored.

    Attributes:
        head: the first bytes, escaped: printable, whatever the device sent.
        message: as it came, for a redrive; None where it was too long to be kept.
    """

    id: int
    received_ms: int
    topic: str
    reason: str
    detail: str
    sha256: str
    size: int
    head: str
    redriven_ms: int | None
    message: Message | None


def fresh(unit: Unit, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Return the letters that are new.

    The others were delivered before: their message has the dup flag, and topic and bytes of a letter of the ten minutes
    before, or of one before it among `letters`: after a reconnect, what was received before and is not stored yet may
    stand beside its redelivery.
    """
    found = []
    seen: set[tuple[str, bytes]] = set()
    for each in letters:
        message = each.message
        sent = message.topic, message.payload
        if not (message.dup and (sent in seen or _was_kept(unit, _row(each)))):
            found.append(each)
        seen.add(sent)
    return found


def keep(unit: Unit, letters: Sequence[DeadLetter]) -> int:
    """Store the letters that are new (see `fresh`), and return how many those are."""
    rows = [_row(letter) for letter in fresh(unit, letters)]
    if rows:
        unit.connection.execute(table.insert(), rows)
    return len(rows)


def page(
    unit: Unit,
    *,
    reasons: Sequence[str] = (),
    topics: Sequence[str] = (),
    below: str | None = None,
    limit: int,
    before: int | None = None,
) -> list[KeptLetter]:
    """Return at most `limit` letters, the newest first, those before the id given; `below`: how their topic begins."""
    statement = select(table).order_by(table.c.id.desc()).limit(limit)
    for column, accepted in ((table.c.reason, reasons), (table.c.topic, topics)):
        statement = statement.where(column.in_(list(accepted))) if accepted else statement
    if below is not None:
        # Not LIKE: SQLite's takes no notice of case, and this keeps the sites of tokens apart.
        statement = statement.where(func.substr(table.c.topic, 1, len(below)) == below)
    if before is not None:
        statement = statement.where(table.c.id < before)
    return [_letter(row) for row in unit.connection.execute(statement)]


def waiting(unit: Unit, *, reasons: Sequence[str] = (), after: int, up_to: int, limit: int) -> list[KeptLetter]:
    """Return at most `limit` letters that were never redriven, the oldest first, with after < id <= up_to."""
    chosen = select(table).where(table.c.redriven_ms.is_(None), table.c.id > after, table.c.id <= up_to)
    chosen = chosen.where(table.c.reason.in_(list(reasons))) if reasons else chosen
    return [_letter(row) for row in unit.connection.execute(chosen.order_by(table.c.id).limit(limit))]


class ReasonCount(NamedTuple):
    """How many letters of one reason are kept, how many of them wait for another try, and when the newest came."""

    reason: str
    kept: int
    waiting: int
    newest_ms: int


def counts(unit: Unit, *, below: str | None = None) -> list[ReasonCount]:
    """Return the reasons of the letters that are kept, the most frequent first; `below` as for `page`."""
    waits = func.sum(case((table.c.redriven_ms.is_(None), 1), else_=0))
    grouped = select(table.c.reason, func.count(), waits, func.max(table.c.received_ms)).group_by(table.c.reason)
    if below is not None:
        grouped = grouped.where(func.substr(table.c.topic, 1, len(below)) == below)
    found = [ReasonCount(reason, kept, int(n), newest) for reason, kept, n, newest in unit.connection.execute(grouped)]
    return sorted(found, key=lambda each: (-each.kept, each.reason))


def get(unit: Unit, number: int) -> KeptLetter:
    """Return one letter.

    Raises:
        NotFound: there is none with that id, or it was pruned.
    """
    row = unit.connection.execute(select(table).where(table.c.id == number)).one_or_none()
    if row is None:
        msg = f"dead letter {number} does not exist, or was pruned; `iotops deadletter list` shows those that are kept"
        raise NotFound(msg)
    return _letter(row)


def mark_redriven(unit: Unit, numbers: Iterable[int], now_ms: int) -> None:
    """Note that the messages of these letters were sent through the pipeline again."""
    for some in chunks(numbers):
        unit.connection.execute(update(table).where(table.c.id.in_(some)).values(redriven_ms=now_ms))


def count_by_digest(unit: Unit, digests: Iterable[str]) -> Mapping[str, int]:
    """Return payload digest (SHA-256, hexadecimal) -> how many letters have it, for those that have any."""
    counts: dict[str, int] = {}
    for some in chunks(digests):
        grouped = (
            select(table.c.sha256, func.count().label("n")).where(table.c.sha256.in_(some)).group_by(table.c.sha256)
        )
        counts |= {row.sha256: row.n for row in unit.connection.execute(grouped)}
    return counts


def unsent_digests(unit: Unit) -> Mapping[str, int]:
    """Return payload digest -> how many letters have it that were not sent again."""
    counted = select(table.c.sha256, func.count().label("n")).where(table.c.redriven_ms.is_(None))
    return {row.sha256: row.n for row in unit.connection.execute(counted.group_by(table.c.sha256))}


def _was_kept(unit: Unit, row: Mapping[str, Any]) -> bool:
    same = select(table.c.id).where(
        table.c.sha256 == row["sha256"],
        table.c.topic == row["topic"],
        table.c.received_ms >= row["received_ms"] - _REDELIVERY_MS,
    )
    return unit.connection.execute(same.limit(1)).first() is not None


def _row(letter: DeadLetter) -> dict[str, Any]:
    message = letter.message
    return {
        "received_ms": message.received_ms,
        "topic": _plain(message.topic),
        "reason": letter.reason,
        "detail": _plain(letter.detail),
        "sha256": hashlib.sha256(message.payload).hexdigest(),
        "size": len(message.payload),
        "head": _escaped(message.payload[:HEAD_BYTES]),
        "payload": message.payload if len(message.payload) <= KEPT_BYTES else None,
        "qos": message.qos,
        "retain": message.retain,
        "dup": message.dup,
    }


def _escaped(head: bytes) -> str:
    """Return bytes as printable text; what is not UTF-8 or not printable is spelled as in Python source."""
    return _plain(head.decode("utf-8", "backslashreplace"))


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _letter(row: Row[Any]) -> KeptLetter:
    kept = row.payload is not None
    message = Message(row.topic, row.payload, row.received_ms, qos=row.qos, retain=row.retain) if kept else None
    return KeptLetter(
        row.id,
        row.received_ms,
        row.topic,
        row.reason,
        row.detail,
        row.sha256,
        row.size,
        row.head,
        row.redriven_ms,
        message,
    )
