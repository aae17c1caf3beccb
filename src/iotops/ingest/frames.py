"""PUBLISH packets, read straight from what came over the wire, as many at once as there are.

paho takes some 100 microseconds for each; this takes half of one. All other packets are the links' own affair.
"""

from struct import Struct
from typing import NamedTuple

from iotops.ingest.receiver import Delivery
from iotops.telemetry.message import Message

_PUBLISH = 0x30
_MOST_LENGTH_BYTES = 4
_LEAST_BYTES = 4  # flags, length, and the length of the topic
_MOST_TOPICS = 50_000  # remembered as text: devices say the same few again and again
_MOST_TOPIC_BYTES = 256
_beginning = Struct(">BBH").unpack_from
_mid = Struct(">H").unpack_from


class Arrival(NamedTuple):
    """When messages are read (wall and connected time, milliseconds), and on which connection."""

    received_ms: int
    connected_ms: int
    epoch: int


class PublishReader:
    """Makes deliveries of PUBLISH packets.

    Args:
        most_bytes: a larger packet is left alone.
        v5: the packets are of MQTT 5, which puts properties before the payload.
    """

    def __init__(self, most_bytes: int, *, v5: bool) -> None:
        self._most_bytes = most_bytes
        self._v5 = v5
        self._topics: dict[bytes, str] = {}

    def read(self, received: bytes, at: int, most: int, arrival: Arrival) -> tuple[list[Delivery], int]:
        """Return the messages that begin at a place, one behind the other, and where what follows begins.

        It ends before anything else than a PUBLISH packet of QoS 0 or 1 that is there as a whole and makes sense:
        MQTT 5, sections 2.1.4 and 3.3. A topic that is not UTF-8 is escaped, and matches no mapping; one that is left
        out for an alias makes no sense, as nobody asked for aliases.
        """
        found: list[Delivery] = []
        received_ms, connected_ms, epoch = arrival
        topics = self._topics
        while len(found) < most:
            parts = self._parts_at(received, at)
            if parts is None:
                break
            flags, topic_at, topic_end, payload_at, at = parts
            raw = received[topic_at:topic_end]
            topic = topics.get(raw) or self._topic(raw)
            qos = flags >> 1 & 1
            mid = _mid(received, topic_end)[0] if qos else 0
            payload = received[payload_at:at]
            message = Message(topic, payload, received_ms, connected_ms, qos, flags & 1 == 1, flags & 8 == 8)
            found.append(Delivery(message, epoch, mid))
        return found, at

    def _parts_at(self, received: bytes, at: int) -> tuple[int, int, int, int, int] | None:
        """Return flags, where the topic begins and ends, where the payload begins, and where the packet ends."""
        if at + _LEAST_BYTES > len(received):
            return None
        flags, length, topic_bytes = _beginning(received, at)
        body = at + 2
        if length > 0x7F:
            length, body = number_at(received, at + 1)
            topic_bytes = int.from_bytes(received[body : body + 2], "big")
        end, topic_end = body + length, body + 2 + topic_bytes
        payload_at = topic_end + (flags & 2)  # two bytes of message id, where QoS is 1
        if flags & 0xF4 != _PUBLISH or not topic_bytes or body < 0:
            return None
        if end > len(received) or end - at > self._most_bytes or payload_at + self._v5 > end:
            return None
        if self._v5:
            properties, payload_at = number_at(received, payload_at)
            payload_at += properties
        return (flags, body + 2, topic_end, payload_at, end) if topic_end <= payload_at <= end else None

    def _topic(self, raw: bytes) -> str:
        topic = raw.decode("utf-8", "backslashreplace")
        if len(raw) <= _MOST_TOPIC_BYTES:
            if len(self._topics) >= _MOST_TOPICS:
                self._topics.clear()
            self._topics[raw] = topic
        return topic


def number_at(received: bytes, at: int) -> tuple[int, int]:
    """Return the variable byte integer at a place (MQTT 5, section 1.5.5), and where it ends: -1 where it does not."""
    if at < len(received) and received[at] < 0x80:
        return received[at], at + 1
    number = 0
    for count, byte in enumerate(received[at : at + _MOST_LENGTH_BYTES]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:  # the highest bit says that another byte follows
            return number, at + count + 1
    return 0, -1
