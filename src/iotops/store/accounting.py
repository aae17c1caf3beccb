"""What is stored of a device, reading by reading: one side of the nothing-lost account."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import select

from iotops.store.archive import device_blocks
from iotops.store.arrivals import recent
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


def stored(unit: Unit, key: DeviceKey) -> Iterator[Stored]:
    """Yield what is stored of one device, compacted or not, in no particular order; nothing where it is unknown."""
    known = select(device.c.id).where(device.c.site == key.site, device.c.device == key.device)
    device_id = unit.connection.execute(known).scalar_one_or_none()
    if device_id is None:
        return
    for block in device_blocks(unit, device_id, key, -_EVER, _EVER):
        yield from map(Stored._make, block.proofs())
    for each in recent(unit, device_id):
        yield Stored(each.boot, each.seq, each.at_ms, each.identity)
