"""From a fleet's description to its devices, at whatever size."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

from iotops.telemetry.reading import DeviceKey
from simulators.fleet import Fleet, Group
from simulators.fleetfile import names
from simulators.noise import Noise, seed_of
from simulators.physics import MODELS, Model


@dataclass(frozen=True, slots=True)
class Member:
    """One device of a fleet. `gateway` is the device through which it speaks, None with a connection of its own."""

    key: DeviceKey
    group: Group
    gateway: DeviceKey | None

    @property
    def labels(self) -> dict[str, str]:
        """Return what the registry should know; `gateway` is what lets rules see a cause behind silence."""
        gateway = {} if self.gateway is None else {"gateway": self.gateway.device}
        return {"type": self.group.type, **self.group.labels, **gateway}

    def physics(self, seed: int) -> Model:
        """Return this device's own model: the same for the same seed."""
        build = cast("Callable[..., Model]", MODELS[self.group.type])
        return build(noise=Noise(seed_of(seed, *self.key)), **self.group.physics)


def populate(fleet: Fleet, count: int | None = None) -> tuple[Member, ...]:
    """Return the fleet's devices; with `count` exactly that many, on fewer or more sites.

    The last site may be incomplete: it has its gateways, and the other groups in proportion.
    """
    per_site = fleet.devices_per_site
    sites = fleet.sites.count if count is None else math.ceil(count / per_site)
    wanted = sites * per_site if count is None else count
    return tuple(
        Member(DeviceKey(site, name), group, _gateway(site, name, group))
        for number in range(sites)
        for site in [fleet.sites.name.format(n=number + 1)]
        for name, group in _site(fleet, min(per_site, wanted - number * per_site))
    )


def _site(fleet: Fleet, count: int) -> Iterator[tuple[str, Group]]:
    gateways = {group.gateway for group in fleet.groups}
    places = [
        (name not in gateways, (place + 0.5) / group.count, order, name, group)
        for order, group in enumerate(fleet.groups)
        for place, name in enumerate(names(group))
    ]
    places.sort(key=lambda place: place[:3])
    return ((name, group) for *_, name, group in places[:count])


def _gateway(site: str, name: str, group: Group) -> DeviceKey | None:
    if group.connection == "own" or group.gateway is None or group.gateway == name:
        return None
    return DeviceKey(site, group.gateway)
