"""What stands behind what: devices and their parents, the services they make up, and who supplies them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from iotops.rules.dependency import Dependency, Node, device_node, parent_of
from iotops.telemetry.reading import DeviceKey


@dataclass(frozen=True, slots=True)
class Service:
    """What of a service correlation needs. `criticality` A is the highest; None: not declared, counts as C."""

    id: str
    criticality: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    parent: DeviceKey | None = None
    service: str | None = None
    supplier: str | None = None
    retired: bool = False


@dataclass(slots=True)
class Landscape:
    """Kept in step with the registry device by device, and with services and dependencies as a whole.

    Walks never loop, whatever labels say: status payloads may name parents in a circle.
    """

    services: dict[str, Service] = field(default_factory=dict)
    _places: dict[DeviceKey, _Place] = field(default_factory=dict)
    _children: dict[DeviceKey, dict[DeviceKey, None]] = field(default_factory=dict)
    _members: dict[str, dict[DeviceKey, None]] = field(default_factory=dict)
    _needs: dict[Node, list[Node]] = field(default_factory=dict)
    _needed_by: dict[Node, list[Node]] = field(default_factory=dict)

    def place(self, key: DeviceKey, labels: Mapping[str, str], *, retired: bool = False) -> None:
        """Take over what a device's labels say about where it stands."""
        before = self._places.get(key, _Place())
        after = _Place(parent_of(key, labels), labels.get("service"), labels.get("supplier"), retired)
        self._places[key] = after
        if before.parent is not None:
            self._children.get(before.parent, {}).pop(key, None)
        if after.parent is not None:
            self._children.setdefault(after.parent, {})[key] = None
        if before.service is not None:
            self._members.get(before.service, {}).pop(key, None)
        if after.service is not None:
            self._members.setdefault(after.service, {})[key] = None

    def adopt(self, services: Iterable[Service], dependencies: Iterable[Dependency]) -> None:
        """Replace services and dependencies by those given."""
        self.services = {service.id: service for service in services}
        self._needs, self._needed_by = {}, {}
        for each in dependencies:
            self._needs.setdefault(each.source, []).append(each.target)
            self._needed_by.setdefault(each.target, []).append(each.source)

    def parents(self, key: DeviceKey) -> list[DeviceKey]:
        """Return the known devices that a device reaches the broker through."""
        return [found for found in self.named_parents(key) if found in self._places]

    def named_parents(self, key: DeviceKey) -> list[DeviceKey]:
        """Return what is said to be before a device, whether such devices are known or not."""
        place = self._places.get(key, _Place())
        linked = [node.device for node in self._needs.get(device_node(key), ())] if self._needs else []
        return [found for found in (place.parent, *linked) if found is not None]

    def ancestors(self, key: DeviceKey) -> list[DeviceKey]:
        """Return every known device that a device stands behind, the nearest first."""
        found: dict[DeviceKey, None] = {}
        nearest = self.parents(key)
        while nearest:
            found.update(dict.fromkeys(nearest))
            nearest = [each for parent in nearest for each in self.parents(parent) if each not in found]
        found.pop(key, None)
        return list(found)

    def children(self, key: DeviceKey) -> list[DeviceKey]:
        """Return the devices directly behind a device that are not retired."""
        linked = [node.device for node in self._needed_by.get(device_node(key), ())] if self._needed_by else []
        found = dict.fromkeys((*self._children.get(key, ()), *(each for each in linked if each is not None)))
        return [each for each in found if not self._places.get(each, _Place()).retired]

    def behind(self, key: DeviceKey) -> Iterator[DeviceKey]:
        """Yield everything behind a device, however far; the device itself is not among it."""
        seen, pending = {key}, [key]
        while pending:
            for child in self.children(pending.pop()):
                if child not in seen:
                    seen.add(child)
                    pending.append(child)
                    yield child

    def service_of(self, key: DeviceKey) -> str | None:
        """Return the service that a device is labelled with, else the first that runs on it."""
        place = self._places.get(key, _Place())
        runs = (node.id for node in self._needed_by.get(device_node(key), ()) if node.kind == "service")
        return place.service or next(runs, None)

    def supplier_of(self, key: DeviceKey) -> str | None:
        """Return who supplies what a device reports on: its label `supplier`, else a dependency `supplied_by`."""
        place = self._places.get(key, _Place())
        linked = (node.id for node in self._needs.get(device_node(key), ()) if node.kind == "supplier")
        return place.supplier or next(linked, None)

    def affected_services(self, devices: Iterable[DeviceKey]) -> dict[str, set[DeviceKey]]:
        """Return service -> those of the devices that it suffers by: its own, and those of services it runs on."""
        found: dict[str, set[DeviceKey]] = {}
        for key in devices:
            label = self._places.get(key, _Place()).service
            first = [Node("service", label)] if label else []
            for name in self._dependents([*first, *self._needed_by.get(device_node(key), ())]):
                found.setdefault(name, set()).add(key)
        return found

    def devices_of(self, service: str) -> set[DeviceKey]:
        """Return the devices, not retired, that a service runs on, by label, directly, or through other services."""
        found: set[DeviceKey] = set()
        seen, pending = {service}, [service]
        while pending:
            name = pending.pop()
            found.update(self._members.get(name, ()))
            for node in self._needs.get(Node("service", name), ()):
                if node.kind == "service" and node.id not in seen:
                    seen.add(node.id)
                    pending.append(node.id)
                elif node.device is not None:
                    found.add(node.device)
        return {key for key in found if not self._places.get(key, _Place()).retired}

    def needs_of(self, service: str) -> tuple[set[str], set[str]]:
        """Return the services that a service runs on, however far, and the suppliers of it and of those."""
        services: set[str] = set()
        suppliers: set[str] = set()
        pending = [service]
        while pending:
            for node in self._needs.get(Node("service", pending.pop()), ()):
                if node.kind == "supplier":
                    suppliers.add(node.id)
                elif node.kind == "service" and node.id not in services:
                    services.add(node.id)
                    pending.append(node.id)
        return services - {service}, suppliers

    def _dependents(self, nodes: list[Node]) -> set[str]:
        """Return the services among the nodes, and all that run on them."""
        seen: set[str] = set()
        pending = [node.id for node in nodes if node.kind == "service"]
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                above = self._needed_by.get(Node("service", name), ())
                pending.extend(node.id for node in above if node.kind == "service")
        return seen
