"""The table of codecs: a new one is a file in this folder and a line here."""

from collections.abc import Mapping

from iotops.telemetry.codecs.codec import Codec, Sample
from iotops.telemetry.codecs.event import decode_event
from iotops.telemetry.codecs.scalar import decode_scalar
from iotops.telemetry.codecs.status import decode_status
from iotops.telemetry.codecs.telemetry_json import decode_json

CODECS: Mapping[str, Codec] = {
    "json": decode_json,
    "event": decode_event,
    "scalar": decode_scalar,
    "status": decode_status,
}

__all__ = ["CODECS", "Codec", "Sample"]
