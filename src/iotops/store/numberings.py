"""How devices' numbers have come, a row for each device that is known to count its messages.

The highest numbers are not written with each message: arrivals say them, and `iotops.store.trail` follows those.
"""

from collections.abc import Mapping

import msgspec
from sqlalchemy import select

from iotops.store.database import Unit
from iotops.store.tables import device, numbering
from iotops.store.upsert import upsert
from iotops.telemetry.numbering import Numbering
from iotops.telemetry.reading import DeviceKey

encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Numbering)


def decode(packed: bytes) -> Numbering:
    """Return what `encode` made bytes of."""
    return _decoder.decode(packed)


def load(unit: Unit) -> dict[DeviceKey, bytes]:
    """Return the numberings of all devices, packed."""
    joined = select(numbering.c.packed, device.c.site, device.c.device).join(
        device, device.c.id == numbering.c.device_id
    )
    return {DeviceKey(row.site, row.device): row.packed for row in unit.connection.execute(joined)}


def keep(unit: Unit, packed: Mapping[int, bytes]) -> None:
    """Write what has changed: id of the device -> its numbering."""
    rows = [{"device_id": number, "packed": found} for number, found in packed.items()]
    if rows:
        upsert(unit, numbering, rows)
