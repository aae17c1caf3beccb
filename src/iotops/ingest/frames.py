"""PUBLISH packets, read straight from what came over the wire.

paho takes some 100 microseconds for each; this takes three. All other packets, and those that are cut in two by the end
of what was received, stay paho's.
"""

from typing import NamedTuple

from iotops.telemetry.message import Message

_PUBLISH = 0x30
_MOST_LENGTH_BYTES = 4


class Frame(NamedTuple):
    """A message as the broker sent it; `mid` is 0 where it wants no confirmation. `topic` may be no UTF-8."""

    topic: bytes
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    mid: int


def publish_at(received: bytes, at: int, *, v5: bool) -> tuple[Frame, int] | None:
    """Return the PUBLISH packet that begins at a place, and where the next packet begins.

    None where another packet begins there, where it is not there as a whole, where its QoS is 2, or where it is
    malformed: MQTT 5, sections 2.1.4 and 3.3.
    """
    if at >= len(received) or received[at] & 0xF0 != _PUBLISH:
        return None
    flags = received[at]
    length, body = _number_at(received, at + 1)
    end = body + length
    if body < 0 or end > len(received) or body + 2 > end:
        return None
    qos = flags >> 1 & 3
    topic_end = body + 2 + int.from_bytes(received[body : body + 2], "big")
    place = topic_end + (2 if qos else 0)
    if qos > 1 or place > end:
        return None
    mid = int.from_bytes(received[topic_end:place], "big")
    if v5:
        properties, place = _number_at(received, place)
        if place < 0 or place + properties > end:
            return None
        place += properties
    topic = received[body + 2 : topic_end]
    return Frame(topic, received[place:end], qos, bool(flags & 1), bool(flags & 8), mid), end


def to_message(found: Frame, received_ms: int, connected_ms: int) -> Message:
    """Return what was delivered as a message of ours; a topic that is not UTF-8 is escaped, and matches no mapping."""
    topic = found.topic.decode("utf-8", "backslashreplace")
    return Message(topic, found.payload, received_ms, connected_ms, found.qos, found.retain, found.dup)


def _number_at(received: bytes, at: int) -> tuple[int, int]:
    """Return the variable byte integer at a place (MQTT 5, section 1.5.5), and where it ends: -1 where it does not."""
    number = 0
    for count, byte in enumerate(received[at : at + _MOST_LENGTH_BYTES]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:  # the highest bit says that another byte follows
            return number, at + count + 1
    return 0, -1
