"""Which devices a label leads to: those that name a device, and those that agree in some labels."""

from collections.abc import Callable, Hashable, Iterable, Mapping

from iotops.rules.device import DeviceFacts
from iotops.telemetry.reading import DeviceKey

Labels = tuple[str, ...]


class Links:
    """Tables from what labels say to devices, each made when it is first asked for and kept from then on.

    Args:
        known: returns the facts of all devices.
    """

    def __init__(self, known: Callable[[], Iterable[DeviceFacts]]) -> None:
        self._known = known
        self._tables: dict[str | Labels, dict[Hashable, dict[DeviceKey, None]]] = {}

    def linking(self, key: DeviceKey, label: str) -> list[DeviceKey]:
        """Return the devices whose label names this device."""
        table = self._table(label)
        return list({**table.get((key.site, key.device), {}), **table.get(("", str(key)), {})})

    def sharing(self, labels: Labels, values: tuple[str, ...]) -> list[DeviceKey]:
        """Return the devices whose labels have these values."""
        return list(self._table(labels).get(values, {}))

    def move(self, before: DeviceFacts, after: DeviceFacts) -> None:
        """Follow a device whose labels changed; the first time both are the same."""
        self.drop(before)
        for name, table in self._tables.items():
            _put(table, _entry(name, after), after.key)

    def drop(self, facts: DeviceFacts) -> None:
        """Forget a device."""
        for name, table in self._tables.items():
            entry = _entry(name, facts)
            keys = table.get(entry, {})
            keys.pop(facts.key, None)
            if not keys:
                table.pop(entry, None)

    def _table(self, name: str | Labels) -> Mapping[Hashable, dict[DeviceKey, None]]:
        if name not in self._tables:
            table = self._tables[name] = {}
            for facts in self._known():
                _put(table, _entry(name, facts), facts.key)
        return self._tables[name]


def linked(site: str, labels: Mapping[str, str], label: str) -> DeviceKey | None:
    """Return the device of the same site that a label names, or of another where it says `site/device`."""
    value = labels.get(label)
    if value is None:
        return None
    other, _, name = value.rpartition("/")
    return DeviceKey(other or site, name)


def values_of(labels: Labels, known: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the values of some labels; None where one of them is not there."""
    found = tuple(known[label] for label in labels if label in known)
    return found if len(found) == len(labels) else None


def _put(table: dict[Hashable, dict[DeviceKey, None]], entry: Hashable, key: DeviceKey) -> None:
    if entry is not None:
        table.setdefault(entry, {})[key] = None


def _entry(name: str | Labels, facts: DeviceFacts) -> Hashable:
    if isinstance(name, tuple):
        return values_of(name, facts.labels)
    value = facts.labels.get(name)
    if value is None:
        return None
    return ("", value) if "/" in value else (facts.key.site, value)
