"""How near a change is to where something fails, by what stands where and what depends on what."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from iotops.incidents.change import Change, Target
from iotops.incidents.landscape import Landscape
from iotops.telemetry.reading import DeviceKey

# Each step away counts less; what is aimed at one thing counts more than what is aimed at many.
_SAME_DEVICE = 1.0
_PARENT, _PER_STEP = 0.85, 0.9
_COHORT = 0.75  # aimed at devices with labels that the failing one has
_SUPPLIER, _SUPPLIER_BEHIND = 0.7, 0.6
_SERVICE, _SERVICE_AROUND = 0.65, 0.4
_SAME_FIRMWARE = 0.4  # a roll-out of the version that it runs, although it was not seen to get it then
_BEHIND = 0.3  # a device behind the failing one
_SITE = 0.4
_LIKE_IT, _SAME_SITE = 0.15, 0.1  # some other device of the site, of the same model or of another


class Near(NamedTuple):
    """1 is the failing thing itself. `words` say how they hang together."""

    weight: float
    words: str


@dataclass(frozen=True, slots=True)
class Surface:
    """What stands where: the landscape, and the labels of the devices that matter."""

    landscape: Landscape
    labels: Mapping[DeviceKey, Mapping[str, str]] = field(default_factory=dict)

    def product(self, key: DeviceKey) -> str | None:
        """Return what a device is one of many of: its model, else its type."""
        said = self.labels.get(key, {})
        return said.get("model") or said.get("type")


class _Place(NamedTuple):
    """Where it fails: a device, or only what the incident names."""

    key: DeviceKey | None
    site: str | None
    service: str | None
    supplier: str | None
    surface: Surface
    ancestors: list[DeviceKey]


def nearness(
    change: Change,
    key: DeviceKey | None,
    surface: Surface,
    *,
    site: str | None = None,
    service: str | None = None,
    supplier: str | None = None,
) -> Near | None:
    """Return how near a change is to what fails; None where they have nothing to do with each other.

    Args:
        change: which; the most particular member of its target decides.
        key: the device that fails, None where none is named.
        surface: what stands where.
        site: where it fails.
        service: of what fails, beside what is known of the device.
        supplier: of what fails, beside what is known of the device.
    """
    ancestors = [] if key is None else surface.landscape.ancestors(key)
    place = _Place(key, site, service, supplier, surface, ancestors)
    target = change.target
    if change.rollout:
        return _of_rollout(change, place)
    if target.device is not None and target.site is not None:
        return _of_device(DeviceKey(target.site, target.device), place)
    if target.site is not None and target.site != site:
        return None
    if target.supplier is not None:
        return _of_supplier(target.supplier, place)
    if target.service is not None:
        return _of_service(target.service, place)
    if target.labels:
        return _of_labels(target, place)
    return Near(_SITE, f"it was made at the whole site {site}") if target.site is not None else None


def _of_rollout(change: Change, place: _Place) -> Near | None:
    steps = _first(change.devices, place)
    if steps is not None:
        return steps
    wanted = change.target.labels
    if place.key is not None and wanted and _has(place.surface.labels.get(place.key, {}), wanted):
        return Near(_SAME_FIRMWARE, f"{place.key} runs that version, too")
    if change.target.site is not None and change.target.site == place.site:
        return Near(_SAME_SITE, f"other devices of the site {place.site} got it")
    return None


def _of_device(changed: DeviceKey, place: _Place) -> Near | None:
    steps = _first((changed,), place)
    if steps is not None:
        return steps
    surface = place.surface
    if place.key is not None and place.key in surface.landscape.ancestors(changed):
        return Near(_BEHIND, f"it was made on {changed}, which stands behind {place.key}")
    if changed.site != place.site:
        return None
    product = surface.product(changed)
    if place.key is not None and product is not None and product == surface.product(place.key):
        return Near(_LIKE_IT, f"it was made on {changed}, a {product} at the same site")
    return Near(_SAME_SITE, f"it was made on {changed} at the same site")


def _of_supplier(supplier: str, place: _Place) -> Near | None:
    landscape = place.surface.landscape
    named = {place.supplier, None if place.key is None else landscape.supplier_of(place.key)}
    if supplier in named:
        return Near(_SUPPLIER, f"{supplier} supplies {place.key or place.service or 'it'}")
    for ancestor in place.ancestors:
        if landscape.supplier_of(ancestor) == supplier:
            return Near(_SUPPLIER_BEHIND, f"{supplier} supplies {ancestor}, which {place.key} stands behind")
    for service in _own_services(place):
        if supplier in landscape.needs_of(service)[1]:
            return Near(_SUPPLIER_BEHIND, f"{supplier} supplies what the service {service} needs")
    return None


def _of_service(service: str, place: _Place) -> Near | None:
    own = _own_services(place)
    if service in own:
        return Near(_SERVICE, f"it was made on the service {service}, which suffers")
    landscape = place.surface.landscape
    below = next((each for each in own if service in landscape.needs_of(each)[0]), None)
    if below is not None:
        return Near(_SERVICE_AROUND, f"the service {below} needs the service {service}")
    if place.key is not None and service in landscape.affected_services([place.key]):
        return Near(_SERVICE_AROUND, f"the service {service} depends on {place.key}")
    return None


def _of_labels(target: Target, place: _Place) -> Near | None:
    said = ", ".join(f"{name} {value}" for name, value in sorted(target.labels.items()))
    for step, key in enumerate(_line(place)):
        if _has(place.surface.labels.get(key, {}), target.labels):
            behind = "" if step == 0 else f", which {place.key} stands behind"
            return Near(_COHORT * (1 if step == 0 else _PARENT), f"it was made on all with {said}: {key}{behind}")
    if target.site is not None:
        return Near(_SAME_SITE, f"it was made on all with {said} at the same site")
    return None


def _first(changed: Iterable[DeviceKey], place: _Place) -> Near | None:
    """Return how near the nearest of changed devices is, of the failing one and those that it stands behind."""
    among = set(changed)
    for step, key in enumerate(_line(place)):
        if key in among and step == 0:
            return Near(_SAME_DEVICE, f"it was made on {key} itself")
        if key in among:
            return Near(_PARENT * _PER_STEP ** (step - 1), f"it was made on {key}, which {place.key} stands behind")
    return None


def _line(place: _Place) -> list[DeviceKey]:
    return [] if place.key is None else [place.key, *place.ancestors]


def _own_services(place: _Place) -> list[str]:
    of_device = None if place.key is None else place.surface.landscape.service_of(place.key)
    return list(dict.fromkeys(each for each in (place.service, of_device) if each is not None))


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in wanted.items())
