"""What the ingest process says about itself, read from its heartbeat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iotops.store import heartbeats
from iotops.store.database import Unit

PROCESS = "ingest"
FRESH_MS = 10_000  # it beats every second; after ten it hangs, or is gone


@dataclass(frozen=True, slots=True)
class IngestView:
    """The ingest's newest sign of life. `at_ms` None: it never gave one. `data`: see `docs/operating.md`."""

    at_ms: int | None
    data: Mapping[str, Any]

    def missing(self, now_ms: int) -> list[str]:
        """Return what keeps the ingest from being ready, in sentences; empty where it is."""
        if self.at_ms is None:
            return ["the ingest has never run on this database; start `iotops ingest`"]
        if now_ms - self.at_ms > FRESH_MS:
            return [f"the ingest gave its last sign of life {(now_ms - self.at_ms) // 1000} s ago"]
        found = [str(reason) for reason in self.data.get("reasons", ())]
        if not self.data.get("subscribed"):
            found.append("the broker has not confirmed the subscription")
        if not self.data.get("ready") and not found:
            found.append("the ingest says that it is not ready")
        return list(dict.fromkeys(found))

    def warnings(self) -> list[str]:
        """Return what somebody should look at although the ingest works, in sentences."""
        error = self.data.get("rules_error")
        return [f"the rule files were refused, and the rules from before stay in force: {error}"] if error else []

    def number(self, key: str) -> int | None:
        """Return a number that the ingest reports, None where it does not."""
        value = self.data.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


def view_ingest(unit: Unit) -> IngestView:
    """Return the newest sign of life of the ingest."""
    sign = heartbeats.latest(unit).get(PROCESS)
    return IngestView(None, {}) if sign is None else IngestView(sign.at_ms, sign.data)
