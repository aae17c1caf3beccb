"""What incidents have to be looked at again although no alert changed: what only memory shows."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from iotops.incidents.casework import IncidentChange
from iotops.incidents.drafts import BEHIND
from iotops.incidents.outlook import Outlook
from iotops.rules.alert import AlertKey, AlertState
from iotops.telemetry.reading import DeviceKey

_FIRING = (AlertState.FIRING, AlertState.RECOVERING)


@dataclass(slots=True)
class Revisits:
    """Remembers how devices with a storm's incident, and groups with an alert, stood when looked at last.

    After a start everything counts as different: looking once more changes nothing that is as it should be.
    """

    storms: dict[DeviceKey, bool] = field(default_factory=dict)
    _members: dict[AlertKey, int] = field(default_factory=dict)

    def follow(self, changes: Iterable[IncidentChange]) -> None:
        """Take over which storms began and ended."""
        for each in changes:
            found = each.after
            if found.device is None or not found.instance.startswith(BEHIND):
                continue
            key = DeviceKey(found.site, found.device)
            if found.is_open:
                self.storms.setdefault(key, True)
            else:
                self.storms.pop(key, None)

    def returned(self, outlook: Outlook) -> frozenset[DeviceKey]:
        """Return the devices of storms that were down and are not any more."""
        now = {key: outlook.is_down(key) for key in self.storms}
        back = frozenset(key for key, was_down in self.storms.items() if was_down and not now[key])
        self.storms.update(now)
        return back

    def grown(self, outlook: Outlook) -> frozenset[AlertKey]:
        """Return the groups with an alert that more devices are behind than before."""
        counts: dict[AlertKey, int] = {}
        for group in outlook.memory.groups:
            alert = group.open.get(group.rule.id) if group.has_instance else None
            if alert is not None and alert.state in _FIRING:
                counts[alert.key] = len(group.tally.agreeing())
        more = frozenset(key for key, count in counts.items() if count > self._members.get(key, 0))
        self._members = {key: max(count, self._members.get(key, 0)) for key, count in counts.items()}
        return more
