"""What is done to a database beside the processes: account, prune, back up, restore, send again."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from iotops.clock import now_ms
from iotops.ledger import Account, StoredReading, balance, read_ledger
from iotops.redrive import Redriven
from iotops.redrive import redrive as send_again
from iotops.settings import Settings
from iotops.store import accounting, anchors, dead_letters, retention
from iotops.store import backup as copies
from iotops.store.database import Database
from iotops.store.retention import Pruned
from iotops.telemetry.reading import DeviceKey
from iotops.wiring.opening import open_database


def settle_ledger(settings: Settings, published: Path) -> Account:
    """Account for what publishers wrote down, against what is stored now."""
    with open_database(settings) as database, database.read() as unit:
        found_of = accounting.stored_by_device(unit)

        def stored_of(key: DeviceKey) -> Iterator[StoredReading]:
            return (StoredReading(each.boot, each.seq, each.at_ms) for each in found_of(key))

        def dead_of(digests: Iterable[str]) -> Any:
            return dead_letters.count_by_digest(unit, digests)

        return balance(read_ledger(published), stored_of, dead_of)


def prune(settings: Settings) -> Pruned:
    """Delete what is older than the retention settings."""
    with open_database(settings) as database:
        return retention.prune(database, settings.retention, now_ms=now_ms())


def backup(settings: Settings, file: Path) -> str:
    """Copy the database into a new file; return what to tell, with the timeline's head as the anchor to keep."""
    with open_database(settings) as database:
        head = copies.backup(database, file)
        with database.read() as unit:
            anchor = anchors.current(unit).line(now_ms())
    return f"anchor: {anchor}\n{file}: {file.stat().st_size} bytes; timeline head {head.seq} {head.hash}"


def restore_backup(settings: Settings, file: Path) -> str:
    """Put a backup in place of a database without data; return what to tell."""
    with closing(Database.open(settings.database.url.get_secret_value())) as database:
        head = copies.restore(database, file)
        then = "" if database.at_head() else "; its schema is older: run `iotops db upgrade`"
        return f"{database.shown_url}: restored from {file}; timeline head {head.seq} {head.hash}{then}"


def redrive(settings: Settings, reasons: Sequence[str], *, dry_run: bool) -> Redriven:
    """Publish dead letters again on their topics."""
    with open_database(settings) as database:
        return send_again(database, settings.broker, reasons, dry_run=dry_run)
