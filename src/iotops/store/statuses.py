"""What devices said last about being online, for an engine that was not there."""

from collections.abc import Iterable

from iotops.rules.memory import Memory
from iotops.store.devices import Device
from iotops.telemetry.reading import Kind, Reading


def last_statuses(memory: Memory, devices: Iterable[Device]) -> list[Reading]:
    """Return what retained statuses said since the snapshots: they are no arrivals, their rows alone remember them."""
    found = []
    for device in devices:
        held = memory.get(device.key)
        if device.online is None or device.online_ms is None or held is None or held.online == device.online:
            continue
        connected_ms = max(held.connected_ms, device.first_connected_ms)
        found.append(
            Reading(
                device.key,
                device.online_ms,
                device.online_ms,
                {"online": device.online},
                connected_ms=connected_ms,
                kind=Kind.STATUS,
                retained=True,
            )
        )
    return found
