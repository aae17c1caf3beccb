"""Nothing-lost accounting: what devices published against what is stored and dead-lettered."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iotops.errors import DecodeError, IotopsError
from iotops.telemetry.instant import event_time_ms
from iotops.telemetry.reading import DeviceKey

COLUMNS = ("site", "device", "boot", "seq", "ts", "sha256", "sent_at", "acked_at")
SHOWN = 20  # unaccounted messages that are named one by one


class LedgerError(IotopsError):
    """A ledger that cannot be read; the text names file and line."""


@dataclass(frozen=True, slots=True)
class Published:
    """One publish of one message, as its publisher wrote it down. `ts` in Unix milliseconds."""

    key: DeviceKey
    boot: str
    seq: int | None
    ts: int | None
    sha256: str
    acked: bool

    @property
    def identity(self) -> tuple[str, int | None] | tuple[int | None, str]:
        """Return what makes two publishes the same message: boot and seq where both are there, else ts and payload."""
        if self.boot and self.seq is not None:
            return self.boot, self.seq
        return self.ts, self.sha256


@dataclass(frozen=True, slots=True)
class StoredReading:
    """One stored reading, as far as accounting needs it."""

    boot: str | None
    seq: int | None
    at_ms: int


@dataclass(slots=True)
class Account:
    """What became of the published messages; published = stored + duplicates + dead_lettered + unacked + lost."""

    published: int = 0
    stored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    unacked: int = 0
    lost: int = 0
    stored_twice: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether every acknowledged message is accounted for exactly once."""
        return not self.lost and not self.stored_twice


def read_ledger(file: Path) -> Iterator[Published]:
    """Yield the rows of PUBLISHED.csv.

    Raises:
        LedgerError: not there, other columns, or a broken row; says which.
    """
    try:
        stream = file.open(newline="", encoding="utf-8")
    except OSError as error:
        msg = f"ledger {file}: {error.strerror}"
        raise LedgerError(msg) from error
    with stream:
        rows = csv.DictReader(stream)
        found = tuple(rows.fieldnames or ())
        if found != COLUMNS:
            msg = f"ledger {file}: expected the columns {','.join(COLUMNS)}, found {','.join(found) or 'nothing'}"
            raise LedgerError(msg)
        for row in rows:
            yield _published(row, f"{file}:{rows.line_num}")


def _published(row: Mapping[str, str | None], where: str) -> Published:
    try:
        return Published(
            key=DeviceKey(str(row["site"]), str(row["device"])),
            boot=row["boot"] or "",
            seq=int(row["seq"]) if row["seq"] else None,
            ts=_time_ms(row["ts"]) if row["ts"] else None,
            sha256=str(row["sha256"]),
            acked=bool(row["acked_at"]),
        )
    except (ValueError, DecodeError) as error:
        msg = f"ledger {where}: seq must be a whole number and ts a time as in the payload, or empty ({error})"
        raise LedgerError(msg) from error


def _time_ms(written: str) -> int | None:
    """Return the event time of a row, written as devices write it: Unix seconds or milliseconds, or RFC 3339."""
    try:
        number = float(written)
    except ValueError:
        return event_time_ms(written)
    return event_time_ms(int(written) if written.isdecimal() else number)


def balance(
    published: Iterable[Published],
    stored_of: Callable[[DeviceKey], Iterable[StoredReading]],
    dead_of: Callable[[Iterable[str]], Mapping[str, int]],
) -> Account:
    """Account for every published message.

    Args:
        published: the ledger's rows, any order.
        stored_of: all stored readings of a device.
        dead_of: how many dead letters there are per payload digest.
    """
    by_device: dict[DeviceKey, list[Published]] = {}
    for row in published:
        by_device.setdefault(row.key, []).append(row)
    account = Account()
    missing: list[Published] = []
    for key, rows in by_device.items():
        missing += _balance_device(rows, stored_of(key), account)
    _balance_dead(missing, Counter(dead_of({row.sha256 for row in missing})), account)
    return account


def _balance_dead(missing: Iterable[Published], dead: Counter[str], account: Account) -> None:
    """Account for rows that are not stored: dead letters, of which several devices may have sent the very same bytes.

    Every message gets a letter before any repetition does: what came with a redelivery is kept once, and a second
    letter of these bytes may be that of another device.
    """
    letters: set[object] = set()
    repeated: list[Published] = []
    for row in missing:
        message = (row.key, row.identity)
        if message in letters:
            repeated.append(row)
        elif dead[row.sha256] > 0:
            dead[row.sha256] -= 1
            account.dead_lettered += 1
            letters.add(message)
        elif not row.acked:
            account.unacked += 1
        else:
            account.lost += 1
            if len(account.named) < SHOWN:
                account.named.append(
                    f"lost: {row.key} boot={row.boot} seq={row.seq} ts={row.ts} sha256={row.sha256[:12]}"
                )
    for row in repeated:
        has_letter = dead[row.sha256] > 0
        dead[row.sha256] -= has_letter
        account.dead_lettered += has_letter
        account.duplicates += not has_letter


def _balance_device(rows: Iterable[Published], stored: Iterable[StoredReading], account: Account) -> list[Published]:
    """Count what is stored or a duplicate of it; return the rows that are neither."""
    left: Counter[object] = Counter()
    for reading in stored:
        left[_slot(reading.boot, reading.seq, reading.at_ms)] += 1
    for slot, count in left.items():
        if count > 1 and isinstance(slot, tuple):
            account.stored_twice += count - 1
            account.named.append(f"stored {count} times: boot={slot[0]} seq={slot[1]}")
    missing = []
    seen: set[object] = set()
    for row in rows:
        account.published += 1
        slot = _slot(row.boot, row.seq, row.ts)
        if row.identity in seen:
            account.duplicates += 1
        elif left[slot]:
            left[slot] -= 1
            seen.add(row.identity)
            account.stored += 1
        else:
            missing.append(row)
    return missing


def _slot(boot: str | None, seq: int | None, at_ms: int | None) -> object:
    """Return by what a published row finds its stored reading: boot and seq where both were sent, else the time."""
    return (boot, seq) if boot and seq is not None else at_ms
