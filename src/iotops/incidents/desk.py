"""The incidents on the table while one batch is worked through, and the alerts whose incidents wait for a cause."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from iotops.incidents.casework import Case, Work
from iotops.incidents.causes import Explanation, explanations
from iotops.incidents.deadlines import Policy
from iotops.incidents.impact import of_devices
from iotops.incidents.incident import Incident
from iotops.incidents.landscape import Landscape
from iotops.incidents.outlook import Outlook
from iotops.incidents.suppression import Suppressions
from iotops.rules.alert import Alert, AlertKey, Transition
from iotops.rules.rule import Rule
from iotops.telemetry.reading import DeviceKey


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What correlation needs to know beside the alerts.

    Attributes:
        rules: by id, as loaded now; a rule that is gone is missing.
        labels: of the devices that fire; `service` names the service that suffers.
        policy: the times that apply.
        landscape: what stands behind what.
        outlook: how devices stand now.
        suppressions: what keeps alerts back.
    """

    rules: Mapping[str, Rule] = field(default_factory=dict)
    labels: Mapping[DeviceKey, Mapping[str, str]] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    landscape: Landscape = field(default_factory=Landscape)
    outlook: Outlook = field(default_factory=Outlook)
    suppressions: Suppressions = field(default_factory=Suppressions)

    def explanations(self, alert: Alert) -> list[Explanation]:
        """Return the alerts that may explain one, by its rule's `unless`."""
        return list(explanations(alert, self.labels, self.rules))


@dataclass(frozen=True, slots=True)
class Known:
    """Incidents as they were before a batch, as far as it may touch them. The same one may stand in several places.

    Attributes:
        newest: of every instance that is touched; where it was merged, the one that tells its story now.
        holders: alert id -> the incident that the alert belongs to, where that is another one.
        outages: device -> the newest live incident by which it is out of sight.
        recent: new ones of the last minutes, which a cause that fires now may still take over.
    """

    newest: Mapping[AlertKey, Case] = field(default_factory=dict)
    holders: Mapping[str, Case] = field(default_factory=dict)
    outages: Mapping[DeviceKey, Case] = field(default_factory=dict)
    recent: Sequence[Case] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that fires, and whose incident waits for a cause.

    Attributes:
        alert: as it stands.
        since_ms: on its device's clock: when its cause was suspect for the last time, or else when it began to wait.
        began_ms: when it began to wait.
        explained: an incident that is over explained it so far: if it ends now, it was never a matter of its own.
        suppression: id of the one under which it fired.
        released: that one is over: now it waits for a cause like any other.
    """

    alert: Alert
    since_ms: int
    began_ms: int = 0
    explained: bool = False
    suppression: str | None = None
    released: bool = False

    @property
    def is_suppressed(self) -> bool:
        """Tell whether a suppression keeps it back."""
        return self.suppression is not None and not self.released


class Queue(NamedTuple):
    """What has to be looked at although no alert changed.

    Attributes:
        waiting: the alerts whose incidents wait, by id.
        due: those of them whose wait is over; None: nobody looked yet.
        returned: devices with a storm's incident that are not down any more.
        grown: groups with an alert that more devices are behind than before.
    """

    waiting: Mapping[str, Waiting] = MappingProxyType({})
    due: frozenset[str] | None = None
    returned: frozenset[DeviceKey] = frozenset()
    grown: frozenset[AlertKey] = frozenset()


class Desk:
    """Everything that correlation has on the table; each incident once, however many ways lead to it."""

    def __init__(self, known: Known, around: Surroundings, now_ms: int, waiting: Mapping[str, Waiting]) -> None:
        self.around, self.now_ms = around, now_ms
        self.waiting = dict(waiting)
        self.touched: list[Work] = []
        self._known = known
        self._works: dict[str, Work] = {}
        self._newest: dict[AlertKey, Work] = {}
        self._holders: dict[str, Work] = {}
        self._outages: dict[DeviceKey, Work] = {}

    def own(self, key: AlertKey) -> Work | None:
        """Return the work on the newest incident of an instance."""
        if key not in self._newest and key in self._known.newest:
            self._newest[key] = self._work(self._known.newest[key])
        return self._newest.get(key)

    def holding(self, alert: Alert) -> Work | None:
        """Return the work on the incident that an alert belongs to."""
        if alert.id not in self._holders and alert.id in self._known.holders:
            self._holders[alert.id] = self._work(self._known.holders[alert.id])
        return self._holders.get(alert.id) or self.own(alert.key)

    def attached(self, transition: Transition) -> Work | None:
        """Return the work on the live incident that has this alert among its own unresolved ones."""
        work = self.holding(transition.alert)
        return work if work is not None and transition.alert.id in work.alerts and work.is_live else None

    def outage(self, device: DeviceKey) -> Work | None:
        """Return the work on the live incident by which a device is out of sight now."""
        if device not in self._outages and device in self._known.outages:
            self._outages[device] = self._work(self._known.outages[device])
        work = self._outages.get(device)
        if work is None or not (work.incident.outage and work.is_live):
            return None
        is_storm = work.incident.is_open and work.incident.instance.startswith("behind ") and work.covered
        return work if work.alerts or is_storm else None

    def explained(self, alert: Alert) -> Work | None:
        """Return the work on the outage that an alert's device lies behind, the farthest one."""
        if alert.device is None:
            return None
        found = [work for up in self.around.landscape.ancestors(alert.device) if (work := self.outage(up))]
        return found[-1] if found else None

    def cause_of(self, alert: Alert) -> Work | None:
        """Return the work on the open incident of an alert that explains this one by its rule's `unless`."""
        causes = (self.own(found.key) for found in self.around.explanations(alert))
        return next((work for work in causes if work is not None and work.is_live and work.alerts), None)

    def recent(self) -> list[Work]:
        """Return the work on incidents that nobody has taken on yet and a cause may take over."""
        stored = [self._work(case) for case in self._known.recent]
        return [work for work in dict.fromkeys((*stored, *self.touched)) if work.incident.state == "new"]

    def begin(self, key: AlertKey, draft: Incident) -> Work:
        """Put a new incident on the table, in place of the previous one of the instance."""
        work = Work(None, self.now_ms, draft)
        self._newest[key] = work
        self.touched.append(work)
        if draft.outage and work.device is not None:
            self._outages[work.device] = work
        work.apply("raise")
        return work

    def keep_holder(self, alert: Alert, work: Work) -> None:
        """Remember which incident an alert belongs to now."""
        self._holders[alert.id] = work

    def hold(self, work: Work, alerts: Iterable[Alert]) -> None:
        """Let an incident explain alerts; nobody waits with them any longer."""
        held = list(alerts)
        work.cover(held)
        for alert in held:
            self.waiting.pop(alert.id, None)
            self._holders[alert.id] = work

    def merge(self, into: Work, other: Work, reason: str) -> None:
        """Let an incident take over another, with the alerts that belong to it."""
        moved = (*other.alerts, *other.covered)
        into.absorb(other, reason)
        self._holders.update(dict.fromkeys(moved, into))

    def rescope(self, grown: Collection[AlertKey] = ()) -> None:
        """Derive priorities again where more suffers than before; `grown`: groups of which that is known."""
        more = [self.own(key) for key in sorted(grown)]
        for work in self.touched:
            roots = self._roots(work) if work.is_live and (work.grown or work in more) else []
            if not roots:
                continue
            affected = {*roots, *(each.device for each in work.covered.values() if each.device is not None)}
            reached = [key for root in roots for key in self.reach(root, outage=work.incident.outage)]
            service, share = work.incident.service, self.around.policy.share
            impact = of_devices(self.around.landscape, reached, affected, service, threshold=share)
            work.apply("rescope", impact=impact, affected=len(affected))

    def _roots(self, work: Work) -> list[DeviceKey]:
        """Return the device that an incident is about, or those of its group by which that came about."""
        if work.device is not None:
            return [work.device]
        return self.around.outlook.members(AlertKey(work.incident.rule, work.incident.instance))

    def reach(self, device: DeviceKey, *, outage: bool) -> list[DeviceKey]:
        """Return what a fault of a device reaches: where it is out of sight, all that lies behind it."""
        return [device, *self.around.landscape.behind(device)] if outage else [device]

    def _work(self, case: Case) -> Work:
        number = case.incident.number
        if number not in self._works:
            self._works[number] = Work(case, self.now_ms)
            self.touched.append(self._works[number])
        return self._works[number]
