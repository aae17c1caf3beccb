"""What holds for every receiver when the network, the broker or a certificate is not as it should be."""

import shutil
import subprocess

import pytest
from faultproxy import FaultProxy

from iotops.broker.credentials import Credentials
from iotops.ingest.receiver import ReceiverEventKind

real = pytest.mark.real("mosquitto")


def collect(receiver, wait_until, wanted):
    """Take and confirm until all wanted payloads were there; return them in the order in which each came first."""
    found = {}

    def enough():
        taken = receiver.take(500, 100)
        found.update(dict.fromkeys(each.message.payload for each in taken))
        receiver.acknowledge(taken)
        return found.keys() >= set(wanted)

    wait_until(enough, what=f"{len(wanted)} messages")
    return list(found)


def told(receiver):
    return " ".join(event.detail for event in receiver.events())


def a_publish(payload, mid=1):
    topic = b"iot/s1/d1/status"
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + b"\x00" + payload
    return bytes((0x32, len(body))) + body


@real
@pytest.mark.parametrize("slice_bytes", [1, 7, 1_460])
def test_network_that_cuts_packets_to_pieces_changes_nothing(
    mosquitto, make_receiver, publish, wait_until, slice_bytes
):
    """However packets are cut on their way, and whenever the connection is reset, all messages come, in order."""
    proxy = FaultProxy(mosquitto.port)
    payloads = [b"%d" % number + b"x" * (20 * number) for number in range(40)]
    try:
        proxy.delay(0, slice_bytes)
        receiver = make_receiver(f"mqtt://127.0.0.1:{proxy.port}")
        wait_until(lambda: receiver.status().subscribed)
        publish(mosquitto, payloads[:20])
        first = collect(receiver, wait_until, payloads[:20])
        proxy.reset()
        publish(mosquitto, payloads[20:])
        second = collect(receiver, wait_until, payloads[20:])
        receiver.stop()
    finally:
        proxy.close()

    assert list(dict.fromkeys(first + second)) == payloads
    assert receiver.status().session_losses == 0


@real
def test_large_messages_arrive_whole(mosquitto, make_receiver, publish, wait_until):
    """A packet of many reads is put together, between small ones."""
    payloads = [b"a", b"b" * 262_000, b"c", b"d" * 100_000, b"e"]
    receiver = make_receiver(mosquitto.url, max_packet_bytes=300_000)
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, payloads)

    assert collect(receiver, wait_until, payloads) == payloads
    assert receiver.status().epoch == 1


@pytest.mark.parametrize("packet", [b"\x32\xff\xff\xff\x01", b"\x32\xff\xff\x7f" + b"x" * 100_000])
def test_packet_larger_than_agreed_ends_the_connection_with_the_limit(
    make_receiver, scripted_broker, wait_until, packet
):
    """A broker that sends more than it was told to is left, memory stays bounded, and the next connection works."""
    broker = scripted_broker(packet, a_publish(b"online"))
    receiver = make_receiver(broker.url, max_packet_bytes=50_000)

    assert collect(receiver, wait_until, [b"online"]) == [b"online"]

    assert "broker.max_packet_bytes = 50000" in told(receiver)
    assert receiver.status().epoch == 2


def test_topic_alias_that_nobody_asked_for_ends_the_connection(make_receiver, scripted_broker, wait_until):
    """A message whose topic is a number cannot be attributed: it is not confirmed, and the connection made anew."""
    broker = scripted_broker(b"\x32\x09\x00\x00\x00\x01\x03\x23\x00\x01x", a_publish(b"online"))
    receiver = make_receiver(broker.url)

    assert collect(receiver, wait_until, [b"online"]) == [b"online"]

    wait_until(lambda: broker.confirmed == [(2, 1)])
    assert "the broker sent a" in told(receiver)


@pytest.mark.parametrize(
    ("farewell", "words"),
    [(b"\xe0\x01\x8b", "Server shutting down"), (b"\xe0\x00", "Normal disconnection"), (b"\xe0\x02\x89\x00", "busy")],
)
def test_brokers_reason_to_disconnect_is_told(make_receiver, scripted_broker, wait_until, farewell, words):
    """What the broker says when it ends a connection stands in the events, as the standard words it."""
    broker = scripted_broker(farewell, a_publish(b"online"))
    receiver = make_receiver(broker.url)

    collect(receiver, wait_until, [b"online"])

    assert f"{words}" in told(receiver)


@pytest.mark.parametrize(
    ("code", "words", "hopeless"),
    [(0x89, "Server busy", False), (0x87, "Not authorized", True), (0x8A, "Banned", True)],
)
def test_refusal_is_told_and_only_what_waiting_cannot_heal_is_a_fault(
    make_receiver, scripted_broker, wait_until, code, words, hopeless
):
    """A busy broker is asked again; one that does not want us is a fault, with what to check."""
    broker = scripted_broker(b"", greeting=bytes((code, 0)))
    receiver = make_receiver(broker.url)

    wait_until(lambda: receiver.status().last_error)

    assert words in receiver.status().last_error
    assert bool(receiver.status().fault) == hopeless


def test_keep_alive_of_the_broker_beats_ours(make_receiver, scripted_broker, wait_until):
    """A broker that wants to hear of us more often than we planned does (MQTT 5, 3.2.2.3.14)."""
    broker = scripted_broker(b"", greeting=b"\x00\x03\x13\x00\x01")
    receiver = make_receiver(broker.url, keepalive_ms=600_000)
    wait_until(lambda: receiver.status().subscribed)

    wait_until(lambda: broker.pings > 0, what="a ping within the broker's second")


@real
def test_broker_on_ipv6_is_reached(mosquitto, make_receiver, publish, free_port, wait_until):
    """An address in brackets is an IPv6 address."""
    port = free_port()
    mosquitto.stop()
    mosquitto.start(f"listener {port} ::1\nallow_anonymous true")
    receiver = make_receiver(f"mqtt://[::1]:{port}")
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, [b"x"])

    assert collect(receiver, wait_until, [b"x"]) == [b"x"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A throw-away authority, and certificates of a broker and of an ingest that it signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed; install it: apt-get install openssl")
    folder = tmp_path_factory.mktemp("certificates")
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    def run(*arguments):
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    run("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=test ca")
    for name in ("broker", "ingest"):
        (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
        run("req", *new_key, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        signing = ("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")
        run(*signing, "-out", f"{name}.crt", "-extfile", "names")
    return folder


@pytest.fixture
def guarded(mosquitto, certificates, free_port):
    """The port of a broker that wants a certificate, a user and a password."""
    port = free_port()
    ingest = Credentials("ingest")
    passwords = mosquitto.directory / "passwords"
    passwords.write_text(ingest.mosquitto_line())
    passwords.chmod(0o600)
    mosquitto.stop()
    mosquitto.start(
        "per_listener_settings true\nallow_anonymous true\n"
        f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nrequire_certificate true\n"
        f"cafile {certificates}/ca.crt\ncertfile {certificates}/broker.crt\nkeyfile {certificates}/broker.key"
    )
    return ingest.url(port).replace("mqtt://", "mqtts://")


@real
def test_messages_arrive_over_tls_with_certificates_of_both_sides(
    mosquitto, guarded, certificates, make_receiver, publish, wait_until
):
    """A broker that wants certificate, user and password gets them; small and large records come through in order."""
    payloads = [b"%d" % number for number in range(600)] + [b"x" * 100_000, b"y"]
    keys = {"certificate_file": certificates / "ingest.crt", "key_file": certificates / "ingest.key"}
    receiver = make_receiver(guarded, ca_file=certificates / "ca.crt", **keys)
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, payloads)

    assert collect(receiver, wait_until, payloads) == payloads
    wait_until(lambda: receiver.status().unacknowledged == 0)
    wait_until(lambda: receiver.status().drained)


@real
def test_broker_whose_certificate_nobody_we_trust_signed_hears_no_password(
    mosquitto, guarded, make_receiver, wait_until
):
    """Without the authority's certificate TLS fails before anything is said, and the status tells why."""
    receiver = make_receiver(guarded)

    wait_until(lambda: "certificate" in receiver.status().last_error)

    assert not receiver.status().connected
    assert ReceiverEventKind.SUBSCRIBED not in {event.kind for event in receiver.events()}
