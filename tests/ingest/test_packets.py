"""What a receiver says to a broker is what the standard has, and what a broker says is read or refused."""

import contextlib

import paho.mqtt.client as mqtt
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotops.ingest import answers, packets
from iotops.settings import BrokerSettings

TOPICS = ("iot/+/+/telemetry", "iot/+/+/status")


class Wire(mqtt.Client):
    """paho's own writer, an implementation of the standard that is not ours; keeps what it would send."""

    def _packet_queue(self, command, packet, mid, qos, info=None):
        self.sent = bytes(packet)
        return mqtt.MQTT_ERR_SUCCESS


@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize(
    ("proof", "password"), [("", None), ("ingest@", None), ("ingest:p%C3%A4ss@", "pässword " * 30)]
)
def test_connect_is_as_paho_writes_it(tmp_path, protocol, proof, password):
    """Session, windows, user and password of the settings, to the byte, in both versions of the protocol."""
    file = None
    if password is not None:
        file = tmp_path / "password"
        file.write_text(password)
    settings = BrokerSettings(
        url=f"mqtt://{proof}localhost", password_file=file, protocol=protocol, keepalive_ms=45_000, receive_maximum=7
    )
    v5 = protocol == mqtt.MQTTv5
    wire = Wire(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=None if v5 else False,
        protocol=mqtt.MQTTProtocolVersion(protocol),
    )
    if proof:
        wire.username_pw_set("ingest", password)
    if v5:
        wire._clean_start, wire._connect_properties = False, packets.wishes(settings)
    wire._send_connect(45)

    assert packets.connect(settings) == wire.sent


def test_confirmations_of_a_commit_are_one_piece_in_the_given_order():
    """Each is four bytes (MQTT 5, 3.4), and they leave together."""
    assert packets.puback([1, 258, 65_535, 2]).hex(" ", 4) == "40020001 40020102 4002ffff 40020002"


@given(st.binary(max_size=40), st.booleans())
@example(b"\x00\x00\x02\x13\x00", True)
@example(b"\x00\x86\x04\x1f\x00\x01\xff", True)
@example(b"\x00\x01\x02\xff\xff", True)
@example(b"\x00\x01\x80\x80\x80\x80\x80", True)
def test_hostile_answers_are_read_or_refused(body, v5):
    """Whatever stands in them: an answer, or that the packet makes no sense; nothing else is ever raised."""
    for read in (
        lambda: answers.greeting(body, v5=v5),
        lambda: answers.denied(body, TOPICS, v5=v5),
        lambda: answers.farewell(body),
    ):
        with contextlib.suppress(answers.Malformed):
            read()


@pytest.mark.parametrize(
    ("body", "v5", "denied"),
    [
        (b"\x00\x01\x00\x01\x01", True, []),
        (b"\x00\x01\x01\x01", False, []),
        (b"\x00\x01\x00\x01\x87", True, ["iot/+/+/status (Not authorized)"]),
        (b"\x00\x01\x00\x00\x01", True, ["iot/+/+/telemetry (Granted QoS 0)"]),
        (b"\x00\x01\x05\x1f\x00\x02no\x80\x01", True, ["iot/+/+/telemetry (Unspecified error)"]),
        (b"\x00\x01\x01\x80", False, ["iot/+/+/status (Unspecified error)"]),
    ],
)
def test_each_topic_that_is_not_granted_is_named(body, v5, denied):
    """QoS 0 is no grant either: a message could be lost."""
    assert answers.denied(body, TOPICS, v5=v5) == denied


def test_too_few_grants_make_no_sense():
    """A broker that answers about one topic of two has not subscribed us."""
    with pytest.raises(answers.Malformed, match="1 answers to 2 topics"):
        answers.denied(b"\x00\x01\x00\x01", TOPICS, v5=True)


@pytest.mark.parametrize(
    ("body", "v5", "greeting"),
    [
        (b"\x01\x00\x03\x13\x00\x05", True, answers.Greeting(0, "", session_present=True, keepalive_ms=5_000)),
        (b"\x00\x87\x07\x1f\x00\x04gone", True, answers.Greeting(0x87, "Not authorized: 'gone'", False)),
        (b"\x00\x05", False, answers.Greeting(0x87, "Not authorized", False)),
        (b"\x00\x99\x00", True, answers.Greeting(0x99, "reason code 0x99", False)),
    ],
)
def test_greetings_tell_of_session_keep_alive_and_refusal(body, v5, greeting):
    """The reason is worded alike in both versions of the protocol, with what else the broker says."""
    assert answers.greeting(body, v5=v5) == greeting
