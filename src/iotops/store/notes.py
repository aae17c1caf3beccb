"""What else the log of arrivals tells, so that a replay sees what the engine saw: connection, labels, rules, times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from iotops.store.arrivals import Arrival
from iotops.store.packing import pack, unpack

NO_DEVICE = 0
EVALUATIONS = -1
"""Stands for a device, too: there are many evaluations, and who looks for other notes need not read them."""


class NoteKind(IntEnum):
    """What happened; the numbers are stored, and stand after those of `iotops.telemetry.reading.Kind`."""

    CONNECTED = 16
    DISCONNECTED = 17
    SESSION_LOST = 18  # messages may be missing: the broker had forgotten us
    LABELS_CHANGED = 19  # what rules can know of a device became another: `facts_note`
    RULES_RELOADED = 20  # `edition`: its digest (`iotops.store.editions`); `started`: the process did, and came back
    RULES_QUARANTINED = 21  # `rules`: left out from here on, because they raised again and again
    STATUS_RETAINED = 22  # a retained status, which is no arrival: `status_note`
    EVALUATED = 23  # how the batch of the same number was judged: `evaluation_note`


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
            EVALUATIONS if self.kind is NoteKind.EVALUATED else NO_DEVICE,
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
        """Return what a row tells whose device is none."""
        return cls(NoteKind(arrival.kind), arrival.at_ms, arrival.connected_ms, unpack(arrival.packed))
