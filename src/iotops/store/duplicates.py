"""Which readings are stored already: exactly, and without an index on identities.

Most are proved new by their device's counters and clock in memory. Redeliveries are among the newest identities, in
memory, too. What neither decides is looked up: the device's arrivals that are not compacted, once, and then the
blocks that may hold the reading.
"""

from collections.abc import Sequence

from iotops.store.archive import blocks_that_may_hold
from iotops.store.arrivals import recent
from iotops.store.blocks import Block
from iotops.store.database import Unit
from iotops.store.trails import Trails
from iotops.telemetry.reading import Reading

# Both bound memory, and nothing else: what is dropped is read again. About 30 MB each at the worst.
_LOOKED_UP = 300_000
_OPENED_BLOCKS = 256


class Recent:
    """Tells which readings are stored, for the one process that stores them."""

    def __init__(self, trails: Trails) -> None:
        self._trails = trails
        self._opened: dict[int, frozenset[bytes]] = {}

    def known(self, unit: Unit, readings: Sequence[Reading]) -> set[int]:
        """Return the rows of readings that are stored, or are the same as an earlier one of `readings`.

        Retained readings are never among them: they are not stored, so they cannot be stored twice.

        Args:
            unit: a transaction that sees the newest commit of this process.
            readings: in arrival order.
        """
        duplicates = set()
        seen: set[bytes] = set()
        for row, reading in enumerate(readings):
            if reading.retained:
                continue
            if reading.identity in seen or self._is_stored(unit, reading):
                duplicates.add(row)
            seen.add(reading.identity)
        return duplicates

    def _is_stored(self, unit: Unit, reading: Reading) -> bool:
        trail = self._trails.get(reading.key)
        if trail is None:
            return False
        if reading.identity in self._trails.recent:
            return True
        if trail.proves_new(reading):
            return False
        if reading.identity in self._whole(unit, reading, trail.device_id):
            return True
        held = blocks_that_may_hold(unit, trail.device_id, reading)
        return any(reading.identity in self._identities(position, block) for position, block in held)

    def _whole(self, unit: Unit, reading: Reading, device_id: int) -> set[bytes]:
        whole = self._trails.whole
        found = whole.get(reading.key)
        if found is None:
            found = {arrival.identity for arrival in recent(unit, device_id)}
            while whole and sum(map(len, whole.values())) + len(found) > _LOOKED_UP:
                del whole[next(iter(whole))]
            whole[reading.key] = found
        return found

    def _identities(self, position: int, block: Block) -> frozenset[bytes]:
        found = self._opened.get(position)
        if found is None:
            found = frozenset(identity for _, _, _, identity in block.proofs())
            if len(self._opened) >= _OPENED_BLOCKS:
                del self._opened[next(iter(self._opened))]
            self._opened[position] = found
        return found
