"""Power that is cut: whatever part of SQLite's log has reached the disk, what was acknowledged is in it."""

import os
import random
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

from invariants import DEVICES, START_MS, settle
from sqlalchemy import text
from works import Works, payload

from iotops.ledger import Published
from iotops.rules.engine import Now
from iotops.store import audit
from iotops.store.database import Database
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey
from iotops.wiring.receiving import build_ingest

CUTS = 300 if "IOTOPS_SOAK" in os.environ else 6
ROUNDS = 14


def take(pipeline, seq):
    """Have a round of messages stored; once this returns they may be acknowledged."""
    at_ms, connected_ms = START_MS + seq * 60_000, seq * 60_000
    said = [(f"iot/site/d{device}/telemetry", payload(device, seq, START_MS)) for device in range(DEVICES)]
    pipeline.process(
        [Message(topic, body, at_ms, connected_ms) for topic, body in said], Now(at_ms, connected_ms, drained=True)
    )


def build(settings, database):
    """Return the ingest's own pipeline, with what the database remembers."""
    ingest, duties = build_ingest(settings, database, threading.Event())
    duties.receiver.stop()  # no broker comes into this
    return ingest._pipeline


def published(rounds):
    """Return the ledger of so many rounds, all of them acknowledged."""
    return [
        Published(DeviceKey("site", f"d{device}"), "b", seq, START_MS + seq * 60_000, "", acked=True)
        for seq in range(1, rounds + 1)
        for device in range(DEVICES)
    ]


def outcome(database):
    """Return what came of the whole, as far as it does not tell the time of the wall."""
    with database.read() as unit:
        fired = text("SELECT rule, instance, fired_ms, resolved_ms, state FROM alert ORDER BY rule, instance")
        raised = text("SELECT rule, device, alert_count FROM incident ORDER BY rule, device")
        return [list(map(tuple, unit.connection.execute(each))) for each in (fired, raised)]


def torn(file: Path, folder: Path, cut: int, chance: random.Random) -> Path:
    """Copy a database as a power cut leaves it: its log up to a byte, then what the sectors held before."""
    folder.mkdir()
    copy = folder / file.name
    shutil.copy(file, copy)
    log = Path(f"{file}-wal").read_bytes()
    Path(f"{copy}-wal").write_bytes(log[:cut] + chance.randbytes(chance.choice((0, 1, 700, 9_000))))
    return copy


def test_what_was_acknowledged_survives_a_log_that_is_cut_anywhere(tmp_path, sqlite_url):
    """F17: with any more of the log than was synced, all acknowledged is there, and what comes again ends the same."""
    works = Works(tmp_path, 1, sqlite_url)
    file, pipeline = works.database.file, build(works.settings, works.database)
    log = Path(f"{file}-wal")
    acknowledged_at = [log.stat().st_size]
    for seq in range(1, ROUNDS + 1):
        take(pipeline, seq)
        acknowledged_at.append(log.stat().st_size)
    assert acknowledged_at == sorted(set(acknowledged_at)), "the log was begun anew: nothing follows from its length"
    undisturbed = outcome(works.database)
    assert len(undisturbed[1]) == DEVICES
    chance = random.Random(17)

    for number in range(CUTS):
        cut = chance.randrange(acknowledged_at[0], acknowledged_at[-1])
        rounds = sum(length <= cut for length in acknowledged_at) - 1
        database = Database.open(f"sqlite:///{torn(file, tmp_path / str(number), cut, chance)}")
        with database.read() as unit:
            assert unit.connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            kept = settle(unit, published(rounds))
        assert (kept.stored, kept.lost, kept.stored_twice) == (rounds * DEVICES, 0, 0), f"cut at {cut}"

        again = build(works.settings, database)
        for seq in range(max(rounds, 1), ROUNDS + 1):  # one round more than must come again
            take(again, seq)

        assert outcome(database) == undisturbed, f"cut at {cut}"
        with database.read() as unit:
            everything = settle(unit, published(ROUNDS))
            assert audit.verify(unit) is None
        assert (everything.stored, everything.lost, everything.stored_twice) == (ROUNDS * DEVICES, 0, 0)
        database.close()
    works.database.close()


def test_pages_that_a_checkpoint_had_not_synced_are_still_in_the_log(tmp_path, sqlite_url):
    """F17: whichever pages of the database were lost with the power, the log has them: all acknowledged is there."""
    works = Works(tmp_path, 1, sqlite_url)
    file, pipeline = works.database.file, build(works.settings, works.database)
    for seq in range(1, ROUNDS + 1):
        take(pipeline, seq)
    before = file.read_bytes()
    with works.database.begin() as unit:
        page_bytes = unit.connection.execute(text("PRAGMA page_size")).scalar_one()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    after = file.read_bytes()
    places = range(0, len(after), page_bytes)
    changed = [at for at in places if before[at : at + page_bytes] != after[at : at + page_bytes]]
    assert len(changed) > 3
    chance = random.Random(18)

    for number in range(CUTS):
        copy = torn(file, tmp_path / f"pages-{number}", Path(f"{file}-wal").stat().st_size, chance)
        reached = set(chance.sample(changed, chance.randrange(len(changed))))
        with copy.open("r+b") as stream:
            for at in set(changed) - reached:
                stream.seek(at)
                stream.write(before[at : at + page_bytes] or bytes(page_bytes))
        with closing(Database.open(f"sqlite:///{copy}")) as database, database.read() as unit:
            assert unit.connection.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"
            kept = settle(unit, published(ROUNDS))
        assert (kept.stored, kept.lost, kept.stored_twice) == (ROUNDS * DEVICES, 0, 0), f"without {len(changed)} pages"
    works.database.close()
