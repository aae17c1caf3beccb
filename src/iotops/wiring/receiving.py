"""The process of the ingest, with the periodic jobs and the courier."""

import logging
import threading

from iotops import logs, schedule
from iotops.clock import monotonic_ms, now_ms
from iotops.incidents.desk import Surroundings
from iotops.ingest.admission import Admission
from iotops.ingest.batchwork import Ledgers
from iotops.ingest.editions import Editions
from iotops.ingest.intake_watch import IntakeWatch
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.receivers import new_receiver
from iotops.ingest.restore import restore
from iotops.ingest.retry import Patience
from iotops.ingest.rulebook import Edition, Rulebook
from iotops.ingest.service import Ingest, Pace
from iotops.ingest.snapshots import Snapshots
from iotops.ingest.vitals import Vitals
from iotops.notify.courier import Courier
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.memory import Memory
from iotops.schedule import Duties
from iotops.settings import Settings, redact
from iotops.store.database import Database
from iotops.store.incidents import policy_of
from iotops.store.lock import ingest_lock
from iotops.supervision import stop_event
from iotops.telemetry.limits import Limits
from iotops.wiring.garbage import collect_seldom, keep_what_is_there
from iotops.wiring.opening import open_database

LOG = logging.getLogger(__name__)


def run_ingest(settings: Settings) -> None:
    """Run the ingest until SIGTERM or SIGINT."""
    logs.configure()
    stop = stop_event()
    collect_seldom()
    with open_database(settings, upgrade=True) as database, ingest_lock(database) as keep_lock:
        ingest, duties = build_ingest(settings, database, stop)
        keep_what_is_there()
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
    rulebook = Rulebook(settings.rules.directory, settings.rules.max_rules)
    edition = rulebook.open()
    pipeline, tail = _build_pipeline(settings, database, edition, patience)
    state = pipeline.ledgers.state
    vitals = Vitals(redact(settings.broker.url.get_secret_value()), patience, turned_ms=now_ms())
    editions = Editions(database, rulebook, vitals, patience, every_ms=settings.rules.reload_ms)
    editions.publish(pipeline, edition, Now(now_ms(), state.connected_ms, drained=False))
    receiver = new_receiver(
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
        snapshots=Snapshots(pipeline.memory, settings.ingest.snapshot_ms, monotonic_ms(), tail=tail),
        vitals=vitals,
        patience=patience,
        pace=Pace(settings.ingest.commit_messages, settings.ingest.commit_ms),
    )
    watch = IntakeWatch.since_last_sign(database, now_ms(), settings.incidents.ingest_down_ms)
    kept = (settings.retention, now_ms(), stop, watch)
    times = (settings.incidents.near_breach, settings.incidents.status_silent_ms, settings.audit)
    return ingest, Duties(database, receiver, vitals, pipeline.around.policy, *kept, *times)


def _build_pipeline(
    settings: Settings, database: Database, edition: Edition, patience: Patience
) -> tuple[Pipeline, int]:
    """Put the pipeline together and bring its memory back; with how many readings had to be read for that."""
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
    return pipeline, count
