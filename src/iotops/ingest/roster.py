"""Who is who, before a batch is judged: the labels by which rules find their devices."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from iotops.incidents.landscape import Landscape
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.store.devices import Device
from iotops.store.labels import Layers, effective_labels
from iotops.store.logged import FactsChange
from iotops.telemetry.reading import DeviceKey, Kind, Reading


@dataclass(frozen=True, slots=True)
class _Known:
    layers: Layers = field(default_factory=Layers)
    trust_status: bool = False
    retired: bool = False
    registered_ms: int = 0
    registered_connected_ms: int = 0


class Roster:
    """Keeps the engine's picture of devices in step with the registry and with what status payloads say.

    It is told of a reading before the batch is committed: telling it twice changes nothing, so that a batch that fails
    needs no undoing here.

    Attributes:
        labels: device -> label -> value, as it counts.
        changes: what the engine was told since the list was last cleared; the log of arrivals keeps it.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._known: dict[DeviceKey, _Known] = {}
        self._facts: dict[DeviceKey, DeviceFacts] = {}
        self.changes: list[FactsChange] = []
        self.labels: dict[DeviceKey, Mapping[str, str]] = {}
        self.landscape = Landscape()

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def load(self, devices: Iterable[Device]) -> None:
        """Take over what the registry says of devices: at the start, and when people changed something."""
        for found in devices:
            known = _Known(
                found.layers,
                found.trust_status,
                found.lifecycle == "retired",
                found.first_seen_ms,
                found.first_connected_ms,
            )
            if self._known.get(found.key) != known:
                self._register(found.key, known)

    def see(self, readings: Iterable[Reading], connected_ms: int) -> None:
        """Make the senders of a batch known to the engine, with the labels that they say they have.

        `connected_ms`: that of the batch, from which the age of a device counts that never reports again; the registry
        keeps the same.
        """
        for reading in readings:
            known = self._known.get(reading.key)
            if known is None:
                known = _Known(registered_ms=reading.received_ms, registered_connected_ms=connected_ms)
            elif reading.kind is not Kind.STATUS:
                continue
            if reading.labels:
                known = replace(known, layers=replace(known.layers, status=dict(reading.labels)))
            if self._known.get(reading.key) != known:
                self._register(reading.key, known)

    def _register(self, key: DeviceKey, known: _Known) -> None:
        labels = effective_labels(key, known.layers, trust_status=known.trust_status)
        self._known[key] = known
        self.labels[key] = labels
        self.landscape.place(key, labels, retired=known.retired)
        facts = DeviceFacts(
            key=key,
            labels=labels,
            retired=known.retired,
            registered_ms=known.registered_ms,
            registered_connected_ms=known.registered_connected_ms,
        )
        before = self._facts.get(key)
        if facts != before:
            self._facts[key] = facts
            self.changes.append(FactsChange(facts, before))
        self._memory.register(facts)
