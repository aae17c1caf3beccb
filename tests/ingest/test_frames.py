"""PUBLISH packets are read as the standard has them, whatever comes over the wire."""

import io

import paho.mqtt.client as mqtt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotops.ingest.frames import Frame, publish_at, to_message

BODIES = st.binary(max_size=300)


class Wire(mqtt.Client):
    """paho's own writer, an implementation of the standard that is not ours; keeps what it would send."""

    def __init__(self, protocol):
        super().__init__(mqtt.CallbackAPIVersion.VERSION2, protocol=protocol)
        self.sent = b""
        self._sock = io.BytesIO()

    def _packet_queue(self, command, packet, mid, qos, info=None):
        self.sent += bytes(packet)
        return mqtt.MQTT_ERR_SUCCESS


def written(protocol, frames):
    """Return frames as bytes."""
    wire = Wire(protocol)
    for frame in frames:
        wire._send_publish(frame.mid, frame.topic, frame.payload, frame.qos, frame.retain, frame.dup)
    return wire.sent


def frames():
    return st.lists(
        st.builds(
            lambda topic, payload, qos, retain, dup, mid: Frame(
                topic.encode(), payload, qos, retain, dup and bool(qos), mid if qos else 0
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
@given(frames())
def test_packets_are_read_as_they_were_written(protocol, sent):
    """Topic, payload, flags and id come back, one packet after the other, to the last byte."""
    wire = written(protocol, sent)

    found = []
    at = 0
    while at < len(wire):
        frame, at = publish_at(wire, at, v5=protocol == mqtt.MQTTv5)
        found.append(frame)

    assert found == sent


@given(frames().filter(bool), st.data())
def test_packet_that_is_not_there_as_a_whole_is_left_alone(sent, data):
    """What the end of a read cuts in two is for the slower way, and nothing is made up."""
    wire = written(mqtt.MQTTv5, sent[:1])
    cut = data.draw(st.integers(0, len(wire) - 1))

    assert publish_at(wire[:cut], 0, v5=True) is None


@given(st.binary(max_size=60), st.booleans())
@example(b"\x30\xff\xff\xff\xff\x7f", True)
@example(b"\x30\x02\xff\xff", True)
@example(b"\x32\x03\x00\x01t", True)
@example(b"\x34\x05\x00\x01t\x00\x01", False)
def test_bytes_that_are_no_publish_never_raise(received, v5):
    """Hostile bytes are nothing, or a frame that lies within them."""
    found = publish_at(received, 0, v5=v5)

    assert found is None or (0 < found[1] <= len(received) and found[0].topic in received)


def test_topic_that_is_no_utf_8_is_escaped():
    """It can be shown and stored, and no mapping matches it."""
    message = to_message(Frame(b"iot/\xff/d/telemetry", b"{}", 1, retain=False, dup=True, mid=7), 5, 3)

    assert (message.topic, message.received_ms, message.connected_ms) == ("iot/\\xff/d/telemetry", 5, 3)
    assert (message.qos, message.retain, message.dup) == (1, False, True)
