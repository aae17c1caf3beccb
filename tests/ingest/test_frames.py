"""PUBLISH packets are read as the standard has them, whatever comes over the wire."""

import io

import paho.mqtt.client as mqtt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotops.ingest.frames import Arrival, PublishReader
from iotops.ingest.receiver import Delivery
from iotops.telemetry.message import Message

BODIES = st.binary(max_size=300)
ARRIVAL = Arrival(received_ms=5, connected_ms=3, epoch=2)
MOST_BYTES = 1_000


def reader(*, v5=True):
    return PublishReader(MOST_BYTES, v5=v5)


class Wire(mqtt.Client):
    """paho's own writer, an implementation of the standard that is not ours; keeps what it would send."""

    def __init__(self, protocol):
        super().__init__(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
        self.sent = b""
        self._sock = io.BytesIO()

    def _packet_queue(self, command, packet, mid, qos, info=None):
        self.sent += bytes(packet)
        return mqtt.MQTT_ERR_SUCCESS


def written(protocol, deliveries):
    """Return deliveries as bytes."""
    wire = Wire(protocol)
    for each in deliveries:
        said = each.message
        wire._send_publish(each.mid, said.topic.encode(), said.payload, said.qos, said.retain, said.dup)
    return wire.sent


def deliveries():
    return st.lists(
        st.builds(
            lambda topic, payload, qos, retain, dup, mid: Delivery(
                Message(topic, payload, 5, 3, qos, retain, dup and bool(qos)), 2, mid if qos else 0
            ),
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
            BODIES,
            st.sampled_from([0, 1]),
            st.booleans(),
            st.booleans(),
            st.integers(1, 65_535),
        ),
        max_size=5,
    )


@pytest.mark.parametrize("protocol", [mqtt.MQTTv311, mqtt.MQTTv5])
@given(deliveries())
def test_packets_are_read_as_they_were_written(protocol, sent):
    """Topic, payload, flags and id come back, one packet after the other, to the last byte."""
    wire = written(protocol, sent)

    found, at = reader(v5=protocol == mqtt.MQTTv5).read(wire, 0, 10, ARRIVAL)

    assert (found, at) == (sent, len(wire))


@given(deliveries(), st.data())
def test_reading_ends_where_it_is_told_to_or_a_packet_is_cut_in_two(sent, data):
    """No more messages than asked for, none that the end of a read cuts in two, and the rest reads on from there."""
    wire = written(mqtt.MQTTv5, sent)
    most, cut = data.draw(st.integers(0, 6)), data.draw(st.integers(0, len(wire)))
    publishes = reader()

    found, at = publishes.read(wire[:cut], 0, most, ARRIVAL)
    rest, end = publishes.read(wire, at, 10, ARRIVAL)

    assert len(found) <= most
    assert (found + rest, end) == (sent, len(wire))


def test_properties_are_passed_over_and_a_packet_too_large_is_left():
    """What stands between topic and payload is skipped, however long; a packet above the bound is not taken."""
    properties = b"\x26\x00\x01k\x00\xc0" + b"v" * 192
    head = b"\x00\x01t\x00\x07" + len(properties).to_bytes(1, "big") + b"\x01" + properties
    small, large = (head + b"x" * size for size in (10, 900))

    def packet(body):
        return bytes((0x32, len(body) & 0x7F | 0x80, len(body) >> 7)) + body

    ((only,), at) = reader().read(packet(small) + packet(large), 0, 10, ARRIVAL)

    assert (only.message.topic, only.message.payload, only.mid) == ("t", b"x" * 10, 7)
    assert at == len(packet(small))


@given(st.binary(max_size=60), st.booleans())
@example(b"\x30\xff\xff\xff\xff\x7f", True)
@example(b"\x30\x02\xff\xff", True)
@example(b"\x32\x03\x00\x01t", True)
@example(b"\x34\x05\x00\x01t\x00\x01", False)
@example(b"\x30\x04\x00\x00\x00x", True)
def test_bytes_that_are_no_publish_never_raise(received, v5):
    """Hostile bytes are nothing, or messages that lie within them."""
    found, at = reader(v5=v5).read(received, 0, 10, ARRIVAL)

    assert 0 <= at <= len(received)
    assert all(each.message.topic and each.message.payload in received for each in found)


def test_topic_that_is_no_utf_8_is_escaped():
    """It can be shown and stored, and no mapping matches it."""
    body = b"\x00\x0diot/\xff/d/state" + b"\x00\x07\x00{}"

    ((found,), _) = reader().read(bytes((0x3A, len(body))) + body, 0, 1, ARRIVAL)

    assert found == Delivery(Message("iot/\\xff/d/state", b"{}", 5, 3, qos=1, retain=False, dup=True), epoch=2, mid=7)
