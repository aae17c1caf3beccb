"""What the ingest remembers of each device's arrivals: where the newest is, and how far its clocks and counters are.

One object, owned by the one process that appends. It changes after a commit and never before, so that it is what the
database says. After a restart it is read back: `presence`, and the arrivals since that was written.
"""

from dataclasses import dataclass, field

import msgspec
from sqlalchemy import func, select

from iotops.store.arrivals import between, watermarks
from iotops.store.database import Unit
from iotops.store.newest import Newest
from iotops.store.presences import write_presences
from iotops.store.tables import arrival, device, ingest_state, presence
from iotops.store.trail import Trail
from iotops.telemetry.reading import DeviceKey

RECENT = (
    25_000  # identities kept, at least, to recognise redeliveries: several times what a broker may leave unacknowledged
)
# Presence is written once its cost has spread over that many arrivals a device, or the scan that stands in for it
# would grow too long, or too much time has passed; with a small batch at once, so that a quiet system is current.
_ARRIVALS_A_DEVICE = 4
_LONGEST_SCAN = 50_000
_SMALL_BATCH = 256
_LONGEST_WAIT_MS = 5_000


@dataclass(slots=True)
class Step:
    """What one batch adds: its newest position and receipt, trails as they are after it, identities and how many."""

    position: int
    received_ms: int
    trails: dict[DeviceKey, Trail] = field(default_factory=dict)
    identities: dict[DeviceKey, list[bytes]] = field(default_factory=dict)
    count: int = 0


class Trails:
    """Device -> trail, and the newest position.

    Attributes:
        recent: identities of the newest arrivals.
        whole: devices of which the identities of all arrivals that are not in blocks were read, and kept since.
    """

    def __init__(self) -> None:
        self.position = 0
        self.recent = Newest(RECENT)
        self.whole: dict[DeviceKey, set[bytes]] = {}
        self._by_key: dict[DeviceKey, Trail] = {}
        self._unwritten: dict[DeviceKey, None] = {}
        self._unwritten_arrivals = 0
        self._written_ms = 0

    @classmethod
    def load(cls, unit: Unit) -> "Trails":
        """Read back what the newest commit left."""
        trails = cls()
        key_of: dict[int, DeviceKey] = {}
        joined = select(presence, device.c.site, device.c.device).join(device, device.c.id == presence.c.device_id)
        for row in unit.connection.execute(joined):
            key = key_of[row.device_id] = DeviceKey(row.site, row.device)
            boots = msgspec.msgpack.decode(row.boots, type=dict[str, int]) if row.boots else {}
            trails._by_key[key] = Trail(
                row.device_id,
                row.position,
                row.last_seen_ms,
                row.last_event_ms,
                boots,
                boots_forgotten=row.boots_forgotten,
                skewed=row.skewed,
            )
        trails._catch_up(unit, key_of)
        return trails

    def get(self, key: DeviceKey) -> Trail | None:
        """Return a device's trail, None where nothing of it was ever stored."""
        return self._by_key.get(key)

    def take(self, unit: Unit, step: Step) -> None:
        """Write what must be written with this batch, and remember the step once it is committed."""
        devices = len(self._unwritten) + sum(key not in self._unwritten for key in step.trails)
        arrivals = self._unwritten_arrivals + step.count
        due = (
            step.count <= _SMALL_BATCH
            or arrivals >= min(_ARRIVALS_A_DEVICE * devices, _LONGEST_SCAN)
            or step.received_ms - self._written_ms >= _LONGEST_WAIT_MS
        )
        if due:
            older = [self._by_key[key] for key in self._unwritten if key not in step.trails]
            write_presences(unit, [*older, *step.trails.values()], step.position)
        unit.after_commit(lambda: self._apply(step, written=due))

    def _apply(self, step: Step, *, written: bool) -> None:
        self._by_key.update(step.trails)
        self.position = step.position
        if written:
            self._unwritten.clear()
            self._unwritten_arrivals = 0
            self._written_ms = step.received_ms
        else:
            self._unwritten.update(dict.fromkeys(step.trails))
            self._unwritten_arrivals += step.count
        for key, identities in step.identities.items():
            self.recent.update(identities)
            if key in self.whole:
                self.whole[key].update(identities)

    def _catch_up(self, unit: Unit, key_of: dict[int, DeviceKey]) -> None:
        """Follow the arrivals since presence was written, and gather the newest identities."""
        newest = unit.connection.execute(select(func.max(arrival.c.position))).scalar_one() or 0
        stated = unit.connection.execute(select(ingest_state.c.position)).scalar_one()
        marks = watermarks(unit)
        heads = marks["heads"]
        for each in between(unit, min(heads, newest - RECENT)):
            self.recent.update((each.identity,))
            if each.position > heads and (key := key_of.get(each.device_id)) is not None:
                self._by_key[key].follow(each)
                self._unwritten[key] = None
                self._unwritten_arrivals += 1
        self.position = max(newest, stated, *marks.values())
