"""What the ingest says about itself, once a second: the heartbeat that readiness and metrics are read from."""

import os
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from iotops.footprint import Footprint
from iotops.ingest.receiver import ReceiverStatus
from iotops.ingest.retry import Patience
from iotops.store.slots import IngestState

HANGS_AFTER_MS = 10_000  # a worker that was not seen for so long is not ready, whatever it said before
_REMEMBERED = 1_000  # commits over which the 99th percentile is taken


@dataclass(slots=True)
class Vitals:
    """Figures that the worker keeps and the heartbeat reads; single values only, so no lock is needed.

    Attributes:
        turned_ms: wall clock at which the worker's loop turned last.
        patience: says what the database refused last, also while the worker waits for it.
        footprint_first: what the process held when nothing more was waiting for the first time.
        lag_ms: age of the oldest message of the newest batch when it was committed.
    """

    broker_url: str
    patience: Patience
    devices: int = 0
    rules_loaded: int = 0
    rules_loaded_ms: int = 0
    rules_error: str | None = None
    turned_ms: int = 0
    last_message_ms: int | None = None
    lag_ms: int = 0
    footprint_first: Footprint | None = None
    rule_faults: Counter[str] = field(default_factory=Counter)
    commits_ms: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def reasons(self, receiver: ReceiverStatus, now_ms: int) -> list[str]:
        """Return why the ingest is not ready, in sentences; empty where it is."""
        found = []
        if now_ms - self.turned_ms > HANGS_AFTER_MS:
            found.append(f"the worker has not turned for {(now_ms - self.turned_ms) // 1000} s")
        if self.patience.trouble:
            found.append(self.patience.trouble)
        if receiver.fault:
            found.append(f"broker: {receiver.fault}")
        elif not receiver.subscribed:
            found.append(f"broker: not subscribed ({receiver.last_error or 'connecting'})")
        return found

    def shown(self, receiver: ReceiverStatus, state: IngestState, now_ms: int) -> Mapping[str, Any]:
        """Return the heartbeat's data; its keys are described in docs/operating.md."""
        reasons = self.reasons(receiver, now_ms)
        commits = sorted(self.commits_ms)
        footprint = Footprint.now()
        if self.footprint_first is None and receiver.drained:
            self.footprint_first = footprint
        counters = state.counters
        return {
            "pid": os.getpid(),
            "footprint": footprint,
            "ready": not reasons,
            "reasons": reasons,
            "receiver": receiver.kind,
            "connected": receiver.connected,
            "subscribed": receiver.subscribed,
            "connected_ms": receiver.connected_ms,
            "buffered": receiver.buffered,
            "unacknowledged": receiver.unacknowledged,
            "oldest_unacked_ms": receiver.oldest_unacknowledged_ms,
            "drained": receiver.drained,
            "reconnects": receiver.reconnects,
            "session_losses": receiver.session_losses,
            "takeovers": receiver.takeovers,
            "broker_dropped": receiver.broker_dropped,
            "stale_acks": receiver.stale_acknowledgements,
            "commit_ms_last": self.commits_ms[-1] if commits else 0,
            "commit_ms_p99": commits[len(commits) * 99 // 100] if commits else 0,
            "batches": state.batch_no,
            "rule_faults": dict(self.rule_faults),
            "dead_letters_by_reason": {
                name.partition(":")[2]: count for name, count in counters.items() if name.startswith("dead_lettered:")
            },
            **{name: counters.get(name, 0) for name in _TOTALS},
            **{name: getattr(self, name) for name in _FIGURES},
        }


_TOTALS = (
    "messages",
    "readings",
    "stored",
    "duplicates",
    "dead_lettered",
    "retained",
    "empty",
    "redelivered",
    "evaluated",
    "late",
    "rejected",
    "skipped",
    "filled",
)
_FIGURES = (
    "broker_url",
    "devices",
    "rules_loaded",
    "rules_loaded_ms",
    "rules_error",
    "last_message_ms",
    "lag_ms",
    "footprint_first",
)
