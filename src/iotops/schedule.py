"""The periodic jobs of the ingest process, as a table for APScheduler."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from iotops.clock import now_ms, utc
from iotops.errors import ConfigurationError, StoreError
from iotops.incidents.deadlines import Policy
from iotops.ingest.intake_watch import IntakeWatch
from iotops.ingest.receiver import Receiver
from iotops.ingest.vitals import Vitals
from iotops.settings import AuditSettings, RetentionSettings
from iotops.store import anchors, heartbeats, retention, sla, slots, standing, statistics, suppressions
from iotops.store import incidents as incident_store
from iotops.store.compaction import compact
from iotops.store.database import Database
from iotops.store.heartbeats import Heartbeat

LOG = logging.getLogger(__name__)
_AT_ONCE = 200  # incidents whose deadlines pass in one transaction


@dataclass(frozen=True, slots=True)
class Duties:
    """What the jobs work on; long jobs end at their next transaction once `stop` is set."""

    database: Database
    receiver: Receiver
    vitals: Vitals
    policy: Policy
    retention: RetentionSettings
    started_ms: int
    stop: threading.Event
    watch: IntakeWatch
    near_breach: float = 0.8
    status_silent_ms: int = 900_000
    audit: AuditSettings = field(default_factory=AuditSettings)


def watch_intake(duties: Duties) -> None:
    """See whether messages can come; one incident says so where they cannot."""
    duties.watch.look(duties.database, duties.receiver.status(), now_ms(), duties.policy)


def beat(duties: Duties) -> None:
    """Write the ingest's sign of life."""
    at_ms = now_ms()
    with duties.database.begin() as unit:
        data = duties.vitals.shown(duties.receiver.status(), slots.state(unit), at_ms)
        heartbeats.beat(unit, Heartbeat("ingest", at_ms, duties.started_ms, data))


def pass_deadlines(duties: Duties) -> None:
    """Do what is due on incidents: holds that end, quiet that lasted, grace that ran out, closing."""
    while True:
        with duties.database.begin() as unit:
            if incident_store.pass_deadlines(unit, now_ms(), policy=duties.policy, limit=_AT_ONCE) < _AT_ONCE:
                return


def follow_clocks(duties: Duties) -> None:
    """Keep the clocks of promises in step with the timeline, and write down what they reach."""
    more = True
    while more and not duties.stop.is_set():
        with duties.database.begin() as unit:
            more = sla.catch_up(unit, now_ms(), near=duties.near_breach)


def follow_suppressions(duties: Duties) -> None:
    """Tell incidents which suppressions began and ended, and end those after which all is clear."""
    suppressions.follow(duties.database, now_ms())


def follow_services(duties: Duties) -> None:
    """Look how services stand for those who depend on them."""
    standing.follow(duties.database, now_ms(), silent_ms=duties.status_silent_ms, threshold=duties.policy.share)


def compact_telemetry(duties: Duties) -> None:
    """Move telemetry of closed hours into compressed blocks, up to where a restart would read."""
    with duties.database.read() as unit:
        before = slots.oldest_position(unit)
    moved = compact(duties.database, now_ms=now_ms(), before_position=before or 0, stopped=duties.stop.is_set)
    if moved.arrivals:
        LOG.info("compacted %d arrivals into %d blocks", moved.arrivals, moved.blocks)


def prune(duties: Duties) -> None:
    """Delete what is older than the retention settings, telemetry after having made rollups of it."""
    gone = retention.prune(duties.database, duties.retention, now_ms=now_ms(), stopped=duties.stop.is_set)
    LOG.info("pruned: %s", gone)


def drop_anchor(duties: Duties) -> None:
    """Write the heads of both chains into the log and into a file outside of the database."""
    file, at_ms = duties.audit.anchor_file, now_ms()
    with duties.database.read() as unit:
        anchor = anchors.current(unit)
    try:
        if anchors.write_down(file, anchor, at_ms):
            LOG.info("anchor: %s", anchor.line(at_ms))
    except (OSError, ConfigurationError) as error:
        LOG.warning("anchor: %s: %s; check audit.anchor_file. The anchor is: %s", file, error, anchor.line(at_ms))


def refresh_statistics(duties: Duties) -> None:
    """Let the database see how its tables have grown."""
    statistics.refresh(duties.database)


FIRST_WITHIN_S = 60
JOBS: tuple[tuple[Callable[[Duties], None], int], ...] = (
    (beat, 1),
    (pass_deadlines, 2),
    (watch_intake, 2),
    (follow_clocks, 2),
    (follow_suppressions, 2),
    (follow_services, 10),
    (compact_telemetry, 300),
    (prune, 3_600),
    (refresh_statistics, 3_600),
)
"""Job and its interval in seconds."""


def start(duties: Duties, keep_lock: Callable[[], None]) -> BackgroundScheduler:
    """Start every job of the table in threads of its own, and keep the lock; `shutdown()` ends them."""
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(len(JOBS) + 2)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job, every_s in (*JOBS, (drop_anchor, duties.audit.anchor_ms // 1_000)):
        scheduler.add_job(
            _guarded(job, job.__name__),
            "interval",
            seconds=every_s,
            args=(duties,),
            id=job.__name__,
            # A process that is restarted more often than a job's interval still does the job.
            next_run_time=utc(now_ms()) + timedelta(seconds=min(every_s, FIRST_WITHIN_S)),
        )
    scheduler.add_job(_guarded(lambda _duties: keep_lock(), "keep_lock"), "interval", seconds=5, args=(duties,))
    scheduler.start()
    return scheduler


def finish(scheduler: BackgroundScheduler, duties: Duties) -> None:
    """End the jobs, and say so in a last sign of life where the database takes it."""
    scheduler.shutdown(wait=True)
    _guarded(drop_anchor, "drop_anchor")(duties)
    _guarded(beat, "beat")(duties)


def _guarded(job: Callable[[Duties], None], name: str) -> Callable[[Duties], None]:
    """Keep a job's failure from being lost, or from ending anything: its next turn comes."""

    def run(duties: Duties) -> None:
        try:
            job(duties)
        except StoreError as error:
            LOG.warning("%s: %s; tried again at its next turn", name, error)
        except Exception:
            LOG.exception("%s failed; tried again at its next turn", name)

    return run
