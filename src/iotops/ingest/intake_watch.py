"""Watches whether messages can come at all, and has one incident raised where they cannot for too long."""

from dataclasses import dataclass

from iotops.incidents.deadlines import Policy
from iotops.ingest.receiver import ReceiverStatus
from iotops.store import heartbeats
from iotops.store import incidents as incident_store
from iotops.store.database import Database


@dataclass(slots=True)
class IntakeWatch:
    """Knows since when nobody listens.

    Attributes:
        heard_ms: wall clock at which the broker could be heard last, in this process or the one before.
        limit_ms: so long an outage is an incident.
    """

    heard_ms: int
    limit_ms: int
    raised: bool = False
    settled: bool = False  # an incident of the process before may still be open

    @classmethod
    def since_last_sign(cls, database: Database, now_ms: int, limit_ms: int) -> "IntakeWatch":
        """Start from the last sign of life of the process before; where there was none, from now."""
        with database.read() as unit:
            last = heartbeats.latest(unit).get("ingest")
        return cls(now_ms if last is None else min(last.at_ms, now_ms), limit_ms)

    def look(self, database: Database, status: ReceiverStatus, now_ms: int, policy: Policy) -> None:
        """Raise what lasts for too long, and resolve it when the broker can be heard: at once, where both are due."""
        if now_ms - self.heard_ms >= self.limit_ms and not self.raised:
            reason = status.fault or status.last_error or "the ingest did not run, or had no broker"
            with database.begin() as unit:
                incident_store.raise_ingest_down(unit, self.heard_ms, now_ms, reason, policy=policy)
            self.raised, self.settled = True, False
        if not status.subscribed:
            return
        if not self.settled:
            with database.begin() as unit:
                incident_store.resolve_ingest_down(unit, now_ms, policy=policy)
            self.raised, self.settled = False, True
        self.heard_ms = now_ms
