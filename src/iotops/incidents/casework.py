"""One incident with its alerts while a batch is worked through.

An incident has alerts of its own, whose clearing ends it, and may cover others, which it explains: alerts of devices
that lie behind its device. Those are listed as suppressed, and neither keep it open nor make it worse.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from iotops.incidents.incident import SYSTEM, Incident, State
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition
from iotops.rules.alert import Alert, AlertKey, Transition
from iotops.rules.rule import Severity
from iotops.telemetry.reading import DeviceKey


class Attached(NamedTuple):
    """An attached alert that is not resolved."""

    severity: Severity
    data_known: bool = True
    suppressed_by: str | None = None


class Covered(NamedTuple):
    """An alert that an incident explains, and that is not resolved."""

    key: AlertKey
    device: DeviceKey | None


@dataclass(frozen=True, slots=True)
class Case:
    """An incident as stored, with the alerts attached to it.

    Attributes:
        incident: as it is.
        alerts: alert id -> standing, of its own alerts that are not resolved.
        seen: ids of attached alerts beside those, as far as the batch touches them.
        covered: alert id -> what it explains, of alerts that are not resolved.
    """

    incident: Incident
    alerts: Mapping[str, Attached]
    seen: frozenset[str] = frozenset()
    covered: Mapping[str, Covered] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """What is to be written about one incident.

    Attributes:
        before: as it was read, None for a new one.
        after: as it is to be.
        entries: its new timeline entries, in order.
        attached: ids of the alerts that are its own from now on.
        covered: ids of the alerts that it explains from now on, and the device by which it does.
        absorbed: numbers (or episodes) of the incidents that were merged into it: their alerts are covered, too.
    """

    before: Incident | None
    after: Incident
    entries: tuple[Entry, ...]
    attached: tuple[str, ...] = ()
    covered: Mapping[str, str] = field(default_factory=dict)
    absorbed: tuple[str, ...] = ()


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
        self.covered: dict[str, Covered] = {} if case is None else dict(case.covered)
        self.grown = case is None
        self._seen: set[str] = set() if case is None else {*case.alerts, *case.seen}
        self._now_ms = now_ms
        self._entries: list[Entry] = []
        self._attached: list[str] = []
        self._covers: dict[str, str] = {}
        self._absorbed: list[str] = []

    @property
    def reference(self) -> str:
        """Return the incident's number, or where it has none yet the episode that raised it."""
        return self.incident.number or self.incident.alert_id or ""

    @property
    def device(self) -> DeviceKey | None:
        """Return the device that the incident is about."""
        return None if self.incident.device is None else DeviceKey(self.incident.site, self.incident.device)

    @property
    def is_live(self) -> bool:
        """Say whether the incident is open, or resolved and may come back."""
        return self.incident.is_open or self.incident.state is State.RESOLVED

    def knows(self, alert_id: str) -> bool:
        """Say whether the alert was ever attached."""
        return alert_id in self._seen or alert_id in self.covered or alert_id == self.incident.alert_id

    def apply(self, action: str, **details: Any) -> None:
        """Let the system act on the incident."""
        self.incident, entries = transition(self.incident, action, SYSTEM, self._now_ms, **details)
        self._entries.extend(entries)

    def attach(self, fired: Transition) -> None:
        """Count a new alert in."""
        self._seen.add(fired.alert.id)
        self._attached.append(fired.alert.id)
        self.covered.pop(fired.alert.id, None)
        self._covers.pop(fired.alert.id, None)
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

    def cover(self, alerts: Iterable[Alert]) -> None:
        """Take alerts in that this incident explains."""
        cause = str(self.device or self.incident.instance)
        new = [alert for alert in alerts if alert.id not in self.covered and alert.id not in self.alerts]
        for alert in new:
            self.covered[alert.id] = Covered(alert.key, alert.device)
            self._covers[alert.id] = cause
        if new:
            self.grown = True
            self.apply("cover", count=len(new))

    def release(self, alert_id: str) -> None:
        """Let go of an alert that this incident no longer explains, or that is over."""
        self.covered.pop(alert_id, None)

    def absorb(self, other: "Work", reason: str) -> None:
        """Take over another incident, with its alerts, as part of this one's story."""
        other.apply("merge", into=self.reference, reason=reason)
        self.apply("absorb", number=other.reference, count=other.incident.alert_count)
        own = Covered(AlertKey(other.incident.rule, other.incident.instance), other.device)
        self.covered |= {**other.covered, **dict.fromkeys(other.alerts, own)}
        self._absorbed.append(other.reference)
        other.alerts.clear()
        other.covered.clear()
        self.grown = True

    def changes(self) -> Iterator[IncidentChange]:
        """Yield what has to be written, if anything."""
        if self.incident != self.before or self._entries or self._attached or self._covers:
            entries, attached = tuple(self._entries), tuple(self._attached)
            covered, absorbed = dict(self._covers), tuple(self._absorbed)
            yield IncidentChange(self.before, self.incident, entries, attached, covered, absorbed)

    def _weigh(self, cause: Transition) -> None:
        """Let the worst of all alerts set the severity, and each of them make the data unknown."""
        worst = max(alert.severity for alert in self.alerts.values())
        known = all(alert.data_known for alert in self.alerts.values())
        self.apply("change_severity", severity=worst, alert=cause.alert.id)
        self.apply("regain_data" if known else "lose_data", event_ms=cause.at_ms, alert=cause.alert.id)
