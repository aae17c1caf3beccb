"""What is done to a database beside the processes: account, prune, back up, restore, send again."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from iotops.clock import now_ms
from iotops.footprint import Footprint
from iotops.invariants import Expectation, Verdict, judge
from iotops.ledger import read_ledger
from iotops.notify.routefile import load_notify
from iotops.redrive import Redriven
from iotops.redrive import redrive as send_again
from iotops.settings import Settings
from iotops.store import anchors, heartbeats, retention
from iotops.store import backup as copies
from iotops.store.database import Database, Unit
from iotops.store.retention import Pruned
from iotops.wiring.opening import open_database


def settle_ledger(settings: Settings, published: Path) -> Verdict:
    """Account for what publishers wrote down, against what is stored now, and judge whether all holds that must.

    Raises:
        LedgerError: the ledger cannot be read.
        RuleFileError: `notify.yaml` cannot be used, and so nobody can say who was to be told.
    """
    ledger = list(read_ledger(published))
    notify = load_notify(settings.rules.directory)
    with open_database(settings) as database, database.read() as unit:
        kept_ms = now_ms() - settings.retention.dead_letters_ms
        return judge(unit, ledger, Expectation(notify, kept_ms, _footprints(unit), _POOLED))


_POOLED = 20
"""Threads at the most of the ingest's pools, of jobs and of channels; they are made when they are needed."""


def _footprints(unit: Unit) -> tuple[Footprint, Footprint] | None:
    """Return what the ingest held when it first had nothing left to do, and what it held last."""
    sign = heartbeats.latest(unit).get("ingest")
    first, last = (None, None) if sign is None else (sign.data.get(name) for name in ("footprint_first", "footprint"))
    return None if first is None or last is None else (Footprint(*first), Footprint(*last))


def prune(settings: Settings) -> Pruned:
    """Delete what is older than the retention settings."""
    with open_database(settings) as database:
        return retention.prune(database, settings.retention, now_ms=now_ms())


def backup(settings: Settings, file: Path) -> str:
    """Copy the database into a new file; return what to tell, with the timeline's head as the anchor to keep.

    The schema may be another version's: a copy from before an upgrade is what one goes back to.
    """
    with closing(Database.open(settings.database.url.get_secret_value())) as database:
        anchors_are_known = database.at_head()
        head = copies.backup(database, file)
        anchor = f"anchor: {_anchor(database)}\n" if anchors_are_known else ""
    return f"{anchor}{file}: {file.stat().st_size} bytes; timeline head {head.seq} {head.hash}"


def _anchor(database: Database) -> str:
    with database.read() as unit:
        return anchors.current(unit).line(now_ms())


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
