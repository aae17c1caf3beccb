"""One incident with its alerts while a batch is worked through."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from iotops.incidents.incident import SYSTEM, Incident
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.rules.alert import Transition
from iotops.rules.rule import Severity


class Attached(NamedTuple):
    """An attached alert that is not resolved."""

    severity: Severity
    data_known: bool = True
    suppressed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as stored, with the alerts attached to it.

    Attributes:
        incident: as it is.
        alerts: alert id -> standing, of the attached alerts that are not resolved.
        seen: ids of attached alerts beside those, as far as the batch touches them.
    """

    incident: Incident
    alerts: Mapping[str, Attached]
    seen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What is to be written about one incident.

    Attributes:
        before: as it was read, None for a new one.
        after: as it is to be.
        entries: its new timeline entries, in order.
        attached: ids of the alerts that belong to it from now on.
    """

    before: Incident | None
    after: Incident
    entries: tuple[Entry, ...]
    attached: tuple[str, ...] = ()


class Work:
    """The incident as it stands after the transitions so far, and what has to be written about it."""

    def __init__(self, case: Case | None, now_ms: int, draft: Incident | None = None) -> None:
        incident = draft if case is None else case.incident
        if incident is None:
            msg = "work needs an incident: a stored case, or a draft to raise"
            raise ValueError(msg)
        self.before = None if case is None else case.incident
        self.incident = incident
        self.alerts: dict[str, Attached] = {} if case is None else dict(case.alerts)
        self._seen: set[str] = set() if case is None else {*case.alerts, *case.seen}
        self._now_ms = now_ms
        self._entries: list[Entry] = []
        self._attached: list[str] = []

    def knows(self, alert_id: str) -> bool:
        """Say whether the alert was ever attached."""
        return alert_id in self._seen or alert_id == self.incident.alert_id

    def apply(self, action: str, **details: Any) -> None:
        """Let the system act on the incident."""
        self.incident, entries = transition(self.incident, action, SYSTEM, self._now_ms, **details)
        self._entries.extend(entries)

    def attach(self, fired: Transition) -> None:
        """Count a new alert in."""
        self._seen.add(fired.alert.id)
        self._attached.append(fired.alert.id)
        self.apply("attach")
        self.update(fired)

    def update(self, change: Transition) -> None:
        """Take over an attached alert's standing."""
        alert = change.alert
        self.alerts[alert.id] = Attached(alert.severity, alert.data_known, alert.suppressed_by)
        self._weigh(change)

    def detach(self, resolved: Transition) -> None:
        """Take a resolved alert off; the last one leaves the incident as it was."""
        self.alerts.pop(resolved.alert.id, None)
        if self.alerts:
            self._weigh(resolved)

    def changes(self) -> Iterator[IncidentChange]:
        """Yield what has to be written, if anything."""
        if self.incident != self.before or self._entries or self._attached:
            yield IncidentChange(self.before, self.incident, tuple(self._entries), tuple(self._attached))

    def _weigh(self, cause: Transition) -> None:
        """Let the worst of all alerts set the severity, and each of them make the data unknown."""
        worst = max(alert.severity for alert in self.alerts.values())
        known = all(alert.data_known for alert in self.alerts.values())
        self.apply("change_severity", severity=worst, alert=cause.alert.id)
        self.apply("regain_data" if known else "lose_data", event_ms=cause.at_ms, alert=cause.alert.id)
