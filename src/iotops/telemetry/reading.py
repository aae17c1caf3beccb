"""What one device reported at one event time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

Value = float | int | bool | str
"""A number, a truth value or text. Integers stay integers: counters beyond 2**53 lose nothing."""


class DeviceKey(NamedTuple):
    """Identity of a device: site and device, the second and third level of its topics."""

    site: str
    device: str

    def __str__(self) -> str:
        return f"{self.site}/{self.device}"


class Kind(IntEnum):
    """What a reading is about; the numbers are stored."""

    TELEMETRY = 1
    EVENT = 2
    STATUS = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """What one device reported at one event time.

    Attributes:
        key: whose reading.
        at_ms: event time, Unix milliseconds; the receive time where the device sent none or one too far ahead.
        received_ms: receive time, Unix milliseconds.
        connected_ms: broker-connected time at receipt (see `Message`).
        values: metric -> value; None where the device said null: missing, and counted as rejected.
            A STATUS reading has exactly `{"online": bool}`; an EVENT reading has a text metric `event`.
        identity: 16 bytes that are equal exactly where two deliveries are the same reading (RULES.md 7).
        boot, seq: as sent, to prove gaps and duplicates.
        kind: telemetry, event or status.
        skewed: the device's own time was too far ahead of the receive time, and was replaced by it.
        retained: delivered as a retained message: last-known state, never a new sample.
        labels: text members of a status payload.
        message: index of the message within its batch of messages.
    """

    key: DeviceKey
    at_ms: int
    received_ms: int
    values: Mapping[str, Value | None]
    identity: bytes = b""
    connected_ms: int = 0
    boot: str | None = None
    seq: int | None = None
    kind: Kind = Kind.TELEMETRY
    skewed: bool = False
    retained: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    message: int = 0
