"""What a receiver says to a broker: MQTT 5, with its sections in brackets, and 3.1.1 where that differs."""

from collections.abc import Iterable, Sequence
from struct import pack

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from iotops.broker.access import credentials
from iotops.settings import BrokerSettings

PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"  # a normal end, after which the session stays [3.14]
_CONNECT = 0x10
_SUBSCRIBE = 0x82
_PUBACK = 0x40020000  # two bytes follow: the message id
_V5 = 5
# No Local, Retain As Published off, Retain Handling 1 [3.8.3.1]: retained messages come for new subscriptions only, and
# the retain flag means exactly that the message is a replayed last-known state, whatever flag its publisher had set.
_QOS_1_V5 = b"\x15"
_QOS_1 = b"\x01"


def connect(settings: BrokerSettings) -> bytes:
    """Return CONNECT [3.1]: never a clean start, so that the broker gives us what it kept, and without topic aliases.

    Raises:
        ConfigurationError: the password file cannot be read.
    """
    user, password = credentials(settings) or (None, None)
    flags = (user is not None) << 7 | (password is not None) << 6
    head = _text("MQTT") + bytes((settings.protocol, flags)) + pack(">H", max(1, settings.keepalive_ms // 1000))
    fields = [_text(each) for each in (settings.client_id, user, password) if each is not None]
    properties = wishes(settings).pack() if settings.protocol == _V5 else b""  # type: ignore[no-untyped-call]
    return _packet(_CONNECT, head, properties, *fields)


def wishes(settings: BrokerSettings) -> Properties:
    """Return the properties of CONNECT [3.1.2.11]."""
    found = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # not annotated there
    found.SessionExpiryInterval = settings.session_expiry_ms // 1000
    found.ReceiveMaximum = settings.receive_maximum
    found.MaximumPacketSize = settings.max_packet_bytes
    return found


def subscribe(topics: Iterable[str], *, v5: bool) -> bytes:
    """Return SUBSCRIBE to topics with QoS 1 [3.8]."""
    options = _QOS_1_V5 if v5 else _QOS_1
    return _packet(_SUBSCRIBE, pack(">H", 1), b"\x00" if v5 else b"", *[_text(topic) + options for topic in topics])


def subscribe_count(topic: str, *, v5: bool) -> bytes:
    """Return SUBSCRIBE to one topic with QoS 0, whose retained message is wanted [3.8]."""
    return _packet(_SUBSCRIBE, pack(">H", 2), b"\x00" if v5 else b"", _text(topic) + b"\x00")


def puback(mids: Sequence[int]) -> bytes:
    """Return a PUBACK for each message, in the given order [3.4]."""
    return pack(f">{len(mids)}I", *[_PUBACK | mid for mid in mids])


def _packet(kind: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    head = bytearray((kind,))
    length = len(body)
    while length > 0x7F:  # a variable byte integer [1.5.5]
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + body


def _text(text: str) -> bytes:
    raw = text.encode()
    return pack(">H", len(raw)) + raw
