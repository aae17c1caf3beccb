"""What an incident is when it is raised: of one alert, or of many that lie behind one device."""

from collections.abc import Sequence
from typing import Any

from iotops.incidents.causes import finds_down
from iotops.incidents.desk import Surroundings
from iotops.incidents.impact import of_devices
from iotops.incidents.incident import Incident
from iotops.incidents.priority import derive
from iotops.rules.alert import Alert, AlertKey, episode_id
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
    return Incident(
        title=alert.summary or f"{alert.key.rule} on {alert.key.instance}",
        severity=alert.severity,
        site=alert.site,
        device=None if alert.device is None else alert.device.device,
        outage=alert.device is not None and finds_down(rule),
        rule=alert.key.rule,
        rule_version=alert.rule_version,
        instance=alert.key.instance,
        alert_id=alert.id,
        fired_ms=at_ms if alert.fired_ms is None else alert.fired_ms,
        recurrence_of=recurrence_of,
        evidence=alert.evidence,
        **_routing(around, alert.key.rule, alert.device, alert.severity),
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
        **_routing(around, rule, top, severity),
    )
    return key, found


def _routing(around: Surroundings, rule: str, device: DeviceKey | None, severity: Severity) -> dict[str, Any]:
    """Return who is concerned: service, team and supplier; and how much, the priority with its derivation."""
    landscape = around.landscape
    loaded = around.rules.get(rule)
    said = {} if loaded is None else loaded.labels
    labels = {} if device is None else around.labels.get(device, {})
    linked = None if device is None else landscape.service_of(device)
    service = labels.get("service") or said.get("service") or linked
    owner = landscape.services.get(service or "")
    devices = [] if device is None else [device]
    impact = of_devices(landscape, devices, devices, service, threshold=around.policy.share)
    priority, reason = derive(severity, impact=impact)
    supplier = None if device is None else landscape.supplier_of(device)
    return {
        "service": service,
        "team": said.get("team") or (None if owner is None else owner.team),
        "supplier": said.get("supplier") or supplier,
        "priority": priority,
        "priority_reason": reason,
    }
