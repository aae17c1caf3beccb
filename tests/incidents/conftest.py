"""Alerts that change, told in a line, and what correlation makes of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from iotops.incidents.casework import Attached, Case, IncidentChange
from iotops.incidents.correlate import correlate
from iotops.incidents.desk import Known, Surroundings
from iotops.incidents.incident import Incident
from iotops.incidents.timeline import Entry
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.telemetry.reading import DeviceKey

MINUTE_MS = 60_000
STATE_AFTER = {
    Change.PENDING: AlertState.PENDING,
    Change.ENDED: AlertState.PENDING,
    Change.RECOVERING: AlertState.RECOVERING,
    Change.RESOLVED: AlertState.RESOLVED,
}


def a_transition(change: Change, at_ms: int, episode: str = "e1", **facts: Any) -> Transition:
    """Return a change of an alert of rule `warm` on paris/fz-1 at an event time."""
    reason = facts.pop("reason", "")
    alert = Alert(
        id=episode,
        key=AlertKey("warm", "paris/fz-1"),
        rule_version="v1",
        semantic_hash="s1",
        site="paris",
        device=DeviceKey("paris", "fz-1"),
        state=STATE_AFTER.get(change, AlertState.FIRING),
        severity=facts.pop("severity", Severity.WARNING),
        began_ms=at_ms,
        fired_ms=facts.pop("fired_ms", at_ms),
        summary=facts.pop("summary", "fz-1 is warm"),
        **facts,
    )
    return Transition(change, at_ms, alert, reason)


@dataclass
class Story:
    """Incidents of one instance as they would be stored, told batch by batch."""

    around: Surroundings = field(default_factory=Surroundings)
    incidents: list[Incident] = field(default_factory=list)
    alerts: dict[str, Attached] = field(default_factory=dict)
    attached: dict[str, int] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    @property
    def newest(self) -> Incident:
        return self.incidents[-1]

    @property
    def told(self) -> list[str]:
        """Types of all entries so far."""
        return [entry.type for entry in self.entries]

    def batch(self, *transitions: Transition, now_ms: int | None = None) -> tuple[IncidentChange, ...]:
        """Correlate a batch and store what comes out, as `iotops.store.incidents` does."""
        now_ms = max((found.at_ms for found in transitions), default=0) if now_ms is None else now_ms
        changes = correlate(transitions, Known(self._known(transitions)), self.around, now_ms).changes
        for change in changes:
            self._keep(change)
        for found in transitions:
            self._keep_alert(found)
        return changes

    def act(self, change: Callable[[Incident], tuple[Incident, Iterable[Entry]]]) -> None:
        """Let somebody act on the newest incident between two batches."""
        self.incidents[-1], entries = change(self.newest)
        self.entries.extend(entries)

    def _known(self, transitions: Iterable[Transition]) -> Mapping[AlertKey, Case]:
        if not self.incidents:
            return {}
        last = len(self.incidents) - 1
        mine = {name for name, place in self.attached.items() if place == last}
        unresolved = {name: standing for name, standing in self.alerts.items() if name in mine}
        return {found.alert.key: Case(self.newest, unresolved, frozenset(mine)) for found in transitions}

    def _keep(self, change: IncidentChange) -> None:
        if change.before is None:
            self.incidents.append(replace(change.after, number=f"INC-{len(self.incidents) + 1:06d}"))
        else:
            place = [found.number for found in self.incidents].index(change.before.number)
            self.incidents[place] = change.after
        self.attached.update(dict.fromkeys(change.attached, len(self.incidents) - 1))
        self.entries.extend(change.entries)

    def _keep_alert(self, found: Transition) -> None:
        alert = found.alert
        if alert.state in (AlertState.FIRING, AlertState.RECOVERING):
            self.alerts[alert.id] = Attached(alert.severity, alert.data_known, alert.suppressed_by)
        else:
            self.alerts.pop(alert.id, None)


@pytest.fixture(name="a_transition", scope="session")
def _a_transition() -> Callable[..., Transition]:
    return a_transition


@pytest.fixture
def story() -> Story:
    return Story()
