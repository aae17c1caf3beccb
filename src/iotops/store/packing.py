"""Values of a reading as bytes: MessagePack, which keeps every type and every bit, on both databases alike."""

from collections.abc import Mapping
from typing import Any

import msgspec

LABELS = ""
"""Under this name, which no metric can have, stand the labels of a status reading."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[str, Any]).decode


def pack(values: Mapping[str, Any], labels: Mapping[str, str]) -> bytes:
    """Return a reading's values, and labels where it has any, as MessagePack: exact on both databases."""
    return _encode({**values, LABELS: labels} if labels else values)


def unpack(packed: bytes) -> dict[str, Any]:
    """Return what `pack` packed, labels under `LABELS`."""
    return _decode(packed)
