"""How incidents end by themselves: their alerts are over, or the device that many lay behind is back."""

from collections.abc import Iterable

from iotops.incidents.casework import Work
from iotops.incidents.desk import Desk
from iotops.incidents.storm import let_go, storm_is_over
from iotops.rules.alert import Transition
from iotops.telemetry.reading import DeviceKey

ADMINISTRATIVE = frozenset({"rule changed", "rule removed", "retired", "no longer matched"})
"""Reasons for which an alert ends although its condition may still be true; quiet is not waited for then."""


def clear(desk: Desk, work: Work, transition: Transition) -> None:
    """Say that nothing of an incident's own is left, and let go of what it explained."""
    let_go(desk, work)
    alert = transition.alert
    reason = transition.reason if transition.reason in ADMINISTRATIVE else "cleared"
    if work.incident.is_open and (reason in ADMINISTRATIVE or not _waits(desk, work)):
        work.apply("resolve", code=reason, cleared_ms=transition.at_ms, summary=alert.summary)
    else:
        work.apply("clear", event_ms=transition.at_ms, alert=alert.id, reason=reason, summary=alert.summary)


def end_storms(desk: Desk, returned: Iterable[DeviceKey]) -> None:
    """End the incidents of devices that have no alert of their own and are back; what is still bad settles anew."""
    for device in returned:
        work, memory = desk.outage(device), desk.around.outlook.memory.get(device)
        if work is None or work.alerts or not work.incident.is_open or not storm_is_over(desk, work):
            continue
        let_go(desk, work)
        at_ms = desk.now_ms if memory is None else memory.clock_ms(desk.around.outlook.connected_ms)
        if _waits(desk, work):
            work.apply("clear", event_ms=at_ms, reason="cleared")
        else:
            work.apply("resolve", code="cleared", cleared_ms=at_ms)


def _waits(desk: Desk, work: Work) -> bool:
    return desk.around.policy.clear_for_ms > 0 or work.incident.flapping
