"""From a fleet's description to its devices, at whatever size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import cast

from iotops.telemetry.reading import DeviceKey
from simulators.fleet import Fleet, Group, Sites
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
    if count is None:
        return tuple(chain.from_iterable(_block(fleet, 0)))
    blocks = (site for block in range(count) for site in _block(fleet, block))
    return tuple(islice(chain.from_iterable(blocks), count))


def _block(fleet: Fleet, block: int) -> Iterator[list[Member]]:
    """Yield the devices of each site of the file; later blocks are the same sites with higher numbers."""
    for sites in fleet.sites:
        for number in range(block * sites.count + 1, (block + 1) * sites.count + 1):
            site = sites.name.format(n=number)
            yield [Member(DeviceKey(site, name), group, _gateway(site, group)) for name, group in _site(fleet, sites)]


def _site(fleet: Fleet, sites: Sites) -> list[tuple[str, Group]]:
    """Return a site's devices in an order whose every beginning is a small site of the same kind."""
    places = [
        (group.connection != "own" or name not in _gateways(fleet), (place + 0.5) / group.count, order, name, group)
        for order, group in enumerate(fleet.groups_of(sites))
        for place, name in enumerate(names(group))
    ]
    places.sort(key=lambda place: place[:3])
    return [(name, group) for *_, name, group in places]


def _gateways(fleet: Fleet) -> set[str | None]:
    return {group.gateway for group in fleet.groups}


def _gateway(site: str, group: Group) -> DeviceKey | None:
    return None if group.connection == "own" or group.gateway is None else DeviceKey(site, group.gateway)
