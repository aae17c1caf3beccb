"""What else the log of arrivals tells, so that a replay sees what the engine saw: connection, labels, rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from iotops.store.arrivals import Arrival
from iotops.store.packing import pack, unpack

NO_DEVICE = 0


class NoteKind(IntEnum):
    """What happened; the numbers are stored, and stand after those of `iotops.telemetry.reading.Kind`."""

    CONNECTED = 16
    DISCONNECTED = 17
    SESSION_LOST = 18  # messages may be missing: the broker had forgotten us
    LABELS_CHANGED = 19
    RULES_RELOADED = 20


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is no reading. `data`: JSON values that say more."""

    kind: NoteKind
    at_ms: int
    connected_ms: int
    data: Mapping[str, Any] = field(default_factory=dict)

    def arrival(self, position: int, batch_no: int) -> Arrival:
        """Return its row."""
        return Arrival(
            position,
            NO_DEVICE,
            None,
            self.kind,
            self.at_ms,
            self.at_ms,
            self.connected_ms,
            batch_no,
            skewed=False,
            boot=None,
            seq=None,
            identity=bytes(16),
            packed=pack(self.data, {}),
        )

    @classmethod
    def of(cls, arrival: Arrival) -> "Note":
        """Return what a row of `NO_DEVICE` tells."""
        return cls(NoteKind(arrival.kind), arrival.at_ms, arrival.connected_ms, unpack(arrival.packed))
