"""How much of what people use suffers: the first half of a priority."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from iotops.incidents.landscape import Landscape
from iotops.telemetry.reading import DeviceKey

LOWEST = 3
BY_CRITICALITY: Mapping[str, int] = {"A": 1, "B": 2, "C": 3}
_SHOWN = 5  # services that a reason lists; a gateway may carry hundreds


class Impact(NamedTuple):
    """1 is the highest. `reason` is JSON-able; its `because` is a sentence."""

    value: int
    reason: dict[str, Any]


def of_service(service: str | None, criticality: str | None) -> Impact:
    """Return the impact where nothing is known but the service that suffers."""
    if service is None:
        because = "no service is known to depend on it"
    elif criticality is None:
        because = f"criticality of service {service} is not declared"
    else:
        because = f"criticality of service {service} is {criticality}"
    value = BY_CRITICALITY.get(criticality or "", LOWEST)
    return Impact(value, {"value": value, "because": because})


def of_devices(
    landscape: Landscape,
    root: Iterable[DeviceKey],
    affected: Iterable[DeviceKey],
    service: str | None,
    *,
    threshold: float,
) -> Impact:
    """Return the impact of devices that fail, by the service that it is greatest for.

    Args:
        landscape: what depends on what.
        root: where the fault is: every service that depends on it suffers.
        affected: what is known to fail, the root among it: its share of each service's devices counts.
        service: named on the incident beside what depends on the devices, None where none is.
        threshold: from this share on a service's impact is one step higher.
    """
    by_service = landscape.affected_services(affected)
    names = {*by_service, *landscape.affected_services(root), *([service] if service else [])}
    found = (_judged(landscape, name, by_service.get(name, set()), threshold) for name in names)
    judged = sorted(found, key=lambda each: (each.value, each.criticality or "C", each.service))
    if not judged:
        return of_service(None, None)
    worst = judged[0]
    reason = {"value": worst.value, "because": worst.because, "services": [each.shown() for each in judged[:_SHOWN]]}
    return Impact(worst.value, reason)


class _Judged(NamedTuple):
    value: int
    service: str
    criticality: str | None
    affected: int
    of: int
    because: str

    def shown(self) -> dict[str, Any]:
        return {name: found for name, found in self._asdict().items() if name != "because"}


def _judged(landscape: Landscape, name: str, failing: set[DeviceKey], threshold: float) -> _Judged:
    known = landscape.services.get(name)
    criticality = None if known is None else known.criticality
    value, reason = of_service(name, criticality)
    because = reason["because"]
    devices = landscape.devices_of(name) if criticality is not None else set()
    count, total = len(failing & devices), len(devices)
    if value > 1 and total and count / total >= threshold:
        value -= 1
        because += f"; {count} of its {total} devices are affected, which is one step more"
    return _Judged(value, name, criticality, count, total, because)
