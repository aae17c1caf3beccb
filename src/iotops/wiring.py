"""The composition root: the only module that knows every room. Each command of the command line calls one function."""

import gc
import logging
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from iotops import logs, schedule
from iotops.api.app import create_app
from iotops.api.listening import is_loopback, listen_address
from iotops.api.server import api_server
from iotops.backtest.ask import Asked, ask
from iotops.backtest.run import Progress
from iotops.clock import monotonic_ms, now_ms
from iotops.console.app import add_console
from iotops.errors import ConfigurationError
from iotops.incidents.desk import Surroundings
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import Ledgers
from iotops.ingest.editions import Editions
from iotops.ingest.intake_watch import IntakeWatch
from iotops.ingest.paho_receiver import PahoReceiver
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.restore import restore
from iotops.ingest.retry import Patience
from iotops.ingest.rulebook import Edition, Rulebook
from iotops.ingest.service import Ingest, Pace
from iotops.ingest.snapshots import Snapshots
from iotops.ingest.vitals import Vitals
from iotops.ledger import Account, StoredReading, balance, read_ledger
from iotops.notify.courier import Courier
from iotops.notify.trial import try_out
from iotops.processes import Report
from iotops.redrive import Redriven
from iotops.redrive import redrive as send_again
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.memory import Memory
from iotops.schedule import Duties
from iotops.settings import Settings, redact
from iotops.store import accounting, dead_letters, retention, tokens
from iotops.store import backup as copies
from iotops.store.database import Database
from iotops.store.incidents import policy_of
from iotops.store.lock import ingest_lock
from iotops.store.retention import Pruned
from iotops.supervision import pair, stop_event, supervise
from iotops.telemetry.limits import Limits
from iotops.telemetry.reading import DeviceKey

LOG = logging.getLogger(__name__)
VERSION = "0.1.0"

_COLLECT_AFTER = 20_000
"""Objects made before the garbage collector looks for cycles: about a batch of them, which live until its commit.

With Python's 700 it looks through each batch again and again for nothing: a sixth of the worker's CPU
(docs/performance.md).
"""


@contextmanager
def open_database(settings: Settings, *, upgrade: bool = False) -> Iterator[Database]:
    """Open the database of the settings, and close it afterwards.

    Raises:
        ConfigurationError: its schema is older than this version needs, and `upgrade` was not asked for.
    """
    database = Database.open(settings.database.url.get_secret_value())
    try:
        if upgrade:
            database.upgrade()
        elif not database.at_head():
            msg = f"database {database.shown_url}: the schema is not that of this version; run `iotops db upgrade`"
            raise ConfigurationError(msg)
        yield database
    finally:
        database.close()


def run_ingest(settings: Settings) -> None:
    """Run the ingest until SIGTERM or SIGINT."""
    logs.configure()
    stop = stop_event()
    gc.set_threshold(_COLLECT_AFTER)
    with open_database(settings, upgrade=True) as database, ingest_lock(database) as keep_lock:
        ingest, duties = build_ingest(settings, database, stop)
        scheduler = schedule.start(duties, keep_lock)
        courier = Courier(database, settings.rules.directory)
        courier.start()
        try:
            ingest.run(stop)
        finally:
            stop.set()
            courier.stop()
            schedule.finish(scheduler, duties)


def build_ingest(settings: Settings, database: Database, stop: threading.Event) -> tuple[Ingest, Duties]:
    """Put the ingest together, with everything restored that was known before."""
    patience = Patience(stop)
    rulebook = Rulebook(settings.rules.directory)
    edition = rulebook.open()
    pipeline = _build_pipeline(settings, database, edition, patience)
    state = pipeline.ledgers.state
    vitals = Vitals(redact(settings.broker.url.get_secret_value()), patience, turned_ms=now_ms())
    editions = Editions(database, rulebook, vitals, patience, every_ms=settings.rules.reload_ms)
    editions.publish(pipeline, edition, Now(now_ms(), state.connected_ms, drained=False))
    receiver = PahoReceiver(
        settings.broker,
        unacked_after_ms=settings.ingest.unacked_after_ms,
        connected_ms=state.connected_ms,
        expects_session=state.connected_ms > 0,
    )
    ingest = Ingest(
        database,
        receiver,
        pipeline,
        editions=editions,
        snapshots=Snapshots(pipeline.memory, settings.ingest.snapshot_ms, monotonic_ms()),
        vitals=vitals,
        patience=patience,
        pace=Pace(settings.ingest.commit_messages, settings.ingest.commit_ms),
    )
    watch = IntakeWatch.since_last_sign(database, now_ms(), settings.incidents.ingest_down_ms)
    kept = (settings.retention, now_ms(), stop, watch)
    times = (settings.incidents.near_breach, settings.incidents.status_silent_ms)
    return ingest, Duties(database, receiver, vitals, pipeline.around.policy, *kept, *times)


def _build_pipeline(settings: Settings, database: Database, edition: Edition, patience: Patience) -> Pipeline:
    """Put the pipeline together and bring its memory back."""
    limits = settings.ingest
    program, memory = compile_rules(edition.rules), Memory()
    with database.read() as unit:
        ledgers = Ledgers.load(unit)
    pipeline = Pipeline(
        database,
        ledgers,
        memory,
        program,
        Surroundings(edition.rules.rules, {}, policy_of(settings.incidents)),
        limits=Limits(max_skew_ms=limits.max_skew_ms, max_payload_bytes=limits.max_payload_bytes),
        admission=Admission(limits.max_devices, limits.max_metrics_per_device),
        patience=patience,
    )
    with database.read() as unit:
        count = restore(unit, memory, program, pipeline.roster)
    LOG.info("restored %d devices; %d readings since the last snapshot", len(pipeline.roster), count)
    return pipeline


def run_api(settings: Settings, *, greets: bool = True) -> None:
    """Run the API and the console until SIGTERM or SIGINT; on loopback it prints a fresh admin token first."""
    logs.configure()
    stop_event()  # uvicorn raises the signal again once it has ended; with this handler that is the end, with status 0
    host, port = listen_address(settings)
    with open_database(settings, upgrade=True) as database:
        app = create_app(database, settings, version=VERSION)
        add_console(app)
        server = api_server(
            app,
            host,
            port,
            certificate=settings.api.certificate_file,
            key=settings.api.key_file,
            proxied=settings.api.behind_proxy,
        )
        if greets:
            greet(settings, Report())
        server.run()


def run_up(settings: Settings, config: Path | None) -> None:
    """Run ingest and API, supervised; on loopback a fresh admin token is printed at the start."""
    report = Report()
    listen_address(settings)
    with open_database(settings, upgrade=True):
        pass
    supervise(pair(config), report, lambda: greet(settings, report))


def greet(settings: Settings, report: Report) -> None:
    """Say where the console is and, where only this machine can reach it, with which token."""
    host, port = listen_address(settings)
    scheme = "http" if settings.api.certificate_file is None else "https"
    report(f"console and API: {scheme}://{host}:{port}/")
    if is_loopback(host):
        report(f"admin token of this run: {start_token(settings)}")


def start_token(settings: Settings) -> str:
    """Make an admin token for whoever started iotops on loopback, in place of the one of the start before."""
    name = "printed at start"
    with open_database(settings) as database, database.begin() as unit:
        for found in tokens.every(unit):
            if found.name == name and found.revoked_ms is None:
                tokens.revoke(unit, found.id, now_ms())
        _token, text = tokens.create(unit, "admin", now_ms=now_ms(), name=name)
    return text


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
    kept = settings.retention
    with open_database(settings) as database:
        return retention.prune(
            database,
            now_ms=now_ms(),
            raw_ms=kept.raw_ms,
            dead_letters_ms=kept.dead_letters_ms,
            arrivals_ms=kept.arrivals_ms,
        )


def backup(settings: Settings, file: Path) -> str:
    """Copy the database into a new file; return what to tell, with the timeline's head as the anchor to keep."""
    with open_database(settings) as database:
        head = copies.backup(database, file)
    return f"{file}: {file.stat().st_size} bytes; timeline head {head.seq} {head.hash}"


def restore_backup(settings: Settings, file: Path) -> str:
    """Put a backup in place of a database without data; return what to tell."""
    with closing(Database.open(settings.database.url.get_secret_value())) as database:
        head = copies.restore(database, file)
        then = "" if database.at_head() else "; its schema is older: run `iotops db upgrade`"
        return f"{database.shown_url}: restored from {file}; timeline head {head.seq} {head.hash}{then}"


def backtest(settings: Settings, asked: Asked, progress: Progress) -> dict[str, Any]:
    """Tell what rules would have raised over what is stored; see `iotops.backtest.ask.ask`."""
    with open_database(settings):  # is there, and of this version
        return ask(settings.database.url.get_secret_value(), asked, progress)


def try_channels(settings: Settings, names: Sequence[str]) -> dict[str, str | None]:
    """Send a test message to channels of notify.yaml; see `iotops.notify.trial.try_out`."""
    return try_out(settings.rules.directory, names)


def redrive(settings: Settings, reasons: Sequence[str], *, dry_run: bool) -> Redriven:
    """Publish dead letters again on their topics."""
    with open_database(settings) as database:
        return send_again(database, settings.broker, reasons, dry_run=dry_run)
