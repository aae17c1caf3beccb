"""Alerts that fire under a suppression: who keeps them back, until when, and what their incident says afterwards."""

from dataclasses import replace

from iotops.incidents.casework import Work
from iotops.incidents.causes import finds_lost
from iotops.incidents.desk import Desk, Surroundings, Waiting
from iotops.incidents.suppression import Subject, Suppression, subject_of
from iotops.rules.alert import Alert


def suppressing(around: Surroundings, alert: Alert, at_ms: int) -> Suppression | None:
    """Return the suppression that keeps an alert back at an instant of its device's time.

    What is not heard any more behind a device is kept back with that device.
    """
    if not around.suppressions.by_id:
        return None
    rule, device = alert.key.rule, alert.device
    if device is None:
        labels = {**alert.evidence.get("group", {}), **({"site": alert.site} if alert.site else {})}
        return around.suppressions.of([Subject(labels, rule, labels.get("service"))], at_ms)
    keys = [device, *(around.landscape.ancestors(device) if finds_lost(around.rules.get(rule)) else ())]
    subjects = [subject_of(key, around.labels.get(key, {}), rule, around.landscape.service_of(key)) for key in keys]
    return around.suppressions.of(subjects, at_ms)


def hush(desk: Desk, alert: Alert, at_ms: int) -> bool:
    """Keep an alert's incident back while a suppression holds; tells whether one does."""
    found = suppressing(desk.around, alert, at_ms)
    if found is not None:
        desk.waiting[alert.id] = Waiting(alert, at_ms, at_ms, suppression=found.id)
    return found is not None


def is_kept_back(around: Surroundings, waits: Waiting, clock_ms: int) -> Waiting | None:
    """Return an alert's wait as it goes on where a suppression still holds at an instant, else None.

    The one that began it counts as long as it lasts; where it ends within another one, that goes on.
    """
    found = around.suppressions.by_id.get(waits.suppression or "")
    if found is None or not found.applies(clock_ms) or suppressing(around, waits.alert, clock_ms) is None:
        found = suppressing(around, waits.alert, clock_ms)
    return None if found is None else replace(waits, since_ms=clock_ms, suppression=found.id)


def tell(desk: Desk, work: Work, waits: Waiting | None, event_ms: int) -> None:
    """Say on an incident that was raised now by whom its alert had been kept back, and that this is over."""
    if waits is None or waits.suppression is None:
        return
    found = desk.around.suppressions.by_id.get(waits.suppression)
    kind, reason = ("", "") if found is None else (found.kind, found.reason)
    said = {"suppression": waits.suppression, "kind": kind, "reason": reason}
    work.apply("enter_suppression", **said, effect="no incident", event_ms=event_ms)
    work.apply("leave_suppression", suppression=waits.suppression, effect="incident raised")
