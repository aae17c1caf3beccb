"""What an incident is when it is raised: of one alert, or of many that lie behind one device."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from iotops.incidents.causes import finds_down
from iotops.incidents.desk import Surroundings
from iotops.incidents.impact import of_devices
from iotops.incidents.incident import Incident
from iotops.incidents.priority import derive
from iotops.rules.alert import Alert, AlertKey, episode_id
from iotops.rules.instances import labels_of
from iotops.rules.rule import Severity
from iotops.telemetry.reading import DeviceKey

BEHIND = "behind "
"""How the instance of a storm begins: no device has an alert of its own there."""


def draft(alert: Alert, at_ms: int, around: Surroundings, recurrence_of: str | None) -> Incident:
    """Return the incident of an alert that fires.

    Args:
        alert: as it fired.
        at_ms: event time of that.
        around: names service, team and supplier.
        recurrence_of: the incident of the same instance before, None where there was none.
    """
    rule = around.rules.get(alert.key.rule)
    outage = alert.device is not None and finds_down(rule)
    labels = _labels(around, alert)
    return Incident(
        title=alert.summary or f"{alert.key.rule} on {alert.key.instance}",
        severity=alert.severity,
        site=alert.site,
        device=None if alert.device is None else alert.device.device,
        outage=outage,
        rule=alert.key.rule,
        rule_version=alert.rule_version,
        instance=alert.key.instance,
        alert_id=alert.id,
        fired_ms=at_ms if alert.fired_ms is None else alert.fired_ms,
        recurrence_of=recurrence_of,
        evidence=alert.evidence,
        **_routing(around, alert.key.rule, _concerned(around, alert), alert.severity, labels, outage=outage),
    )


def storm_draft(around: Surroundings, rule: str, top: DeviceKey, alerts: Sequence[Alert]) -> tuple[AlertKey, Incident]:
    """Return the incident of a device that has no alert itself, for what lies behind it, and its instance."""
    key = AlertKey(rule, f"{BEHIND}{top}")
    severity = max(alert.severity for alert in alerts)
    fired_ms = min(alert.began_ms if alert.fired_ms is None else alert.fired_ms for alert in alerts)
    name = around.labels.get(top, {}).get("name", top.device)
    total = len(around.landscape.children(top))
    found = Incident(
        title=f"{len(alerts)} of {total} devices behind {name} at {top.site}: {rule}",
        severity=severity,
        site=top.site,
        device=top.device,
        outage=True,
        rule=rule,
        rule_version=alerts[0].rule_version,
        instance=key.instance,
        alert_id=episode_id(rule, top.site, key.instance, fired_ms),
        fired_ms=fired_ms,
        **_routing(around, rule, [top], severity, around.labels.get(top, {}), outage=True),
    )
    return key, found


def _concerned(around: Surroundings, alert: Alert) -> list[DeviceKey]:
    """Return the device that an alert is about, or those of a group by which its alert came about."""
    return around.outlook.members(alert.key) if alert.device is None else [alert.device]


def _labels(around: Surroundings, alert: Alert) -> Mapping[str, str]:
    return labels_of(alert.key.instance) if alert.device is None else around.labels.get(alert.device, {})


def _routing(
    around: Surroundings,
    rule: str,
    devices: Sequence[DeviceKey],
    severity: Severity,
    labels: Mapping[str, str],
    *,
    outage: bool,
) -> dict[str, Any]:
    """Return who is concerned: service, team and supplier; and how much, the priority with its derivation.

    Of a group its own labels count first, then what the rule says, then what all of its devices agree in; of an outage
    at last the service that suffers, where all that lies behind it and has one agrees in that.
    """
    landscape = around.landscape
    loaded = around.rules.get(rule)
    said = {} if loaded is None else loaded.labels
    service = labels.get("service") or said.get("service") or _shared(map(landscape.service_of, devices))
    if service is None and outage:
        behind = (landscape.service_of(each) for top in devices for each in landscape.behind(top))
        service = _shared(each for each in behind if each is not None)
    owner = landscape.services.get(service or "")
    impact = of_devices(landscape, devices, devices, service, threshold=around.policy.share)
    priority, reason = derive(severity, impact=impact)
    return {
        "service": service,
        "team": said.get("team") or (None if owner is None else owner.team),
        "supplier": said.get("supplier") or _shared(map(landscape.supplier_of, devices)),
        "priority": priority,
        "priority_reason": reason,
    }


def _shared(found: Iterable[str | None]) -> str | None:
    """Return what all agree in, None where they do not, or there are none."""
    different = set(found)
    return different.pop() if len(different) == 1 else None
