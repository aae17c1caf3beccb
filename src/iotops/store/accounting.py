"""What is stored of a device, reading by reading: one side of the nothing-lost account."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sqlalchemy import select

from iotops.store.archive import device_blocks
from iotops.store.arrivals import between, watermarks
from iotops.store.database import Unit
from iotops.store.tables import device
from iotops.telemetry.reading import DeviceKey

_EVER = 2**63 - 1


class Stored(NamedTuple):
    """What accounting needs of a stored reading."""

    boot: str | None
    seq: int | None
    at_ms: int
    identity: bytes


def stored_by_device(unit: Unit) -> Callable[[DeviceKey], Iterator[Stored]]:
    """Return what yields all that is stored of a device, compacted or not; nothing where it is unknown.

    Read in one walk over all rows: an audit must not trust the chains by which readers find a device's rows, and a row
    that no reader would meet counts here. Rows that are not compacted are held in memory, about 200 bytes each.
    """
    ids = {
        DeviceKey(row.site, row.device): row.id
        for row in unit.connection.execute(select(device.c.site, device.c.device, device.c.id))
    }
    rows: defaultdict[int, list[Stored]] = defaultdict(list)
    for each in between(unit, watermarks(unit)["compacted"]):
        rows[each.device_id].append(Stored(each.boot, each.seq, each.at_ms, each.identity))

    def stored_of(key: DeviceKey) -> Iterator[Stored]:
        if key in ids:
            for block in device_blocks(unit, ids[key], key, -_EVER, _EVER):
                yield from map(Stored._make, block.proofs())
            yield from rows.get(ids[key], ())

    return stored_of
