"""What a broker says to a receiver beside messages: MQTT 5, its sections in brackets, and 3.1.1 where that differs."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import error as TooShort  # noqa: N812  that is what it says
from types import MappingProxyType
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

# What paho's reading of properties raises over bytes that are none.
_SENSELESS = (MQTTException, ValueError, LookupError, TooShort)
_REASON_OF_3 = {1: 0x84, 2: 0x85, 3: 0x88, 4: 0x86, 5: 0x87}  # CONNACK of MQTT 3.1.1, table 3.1
_FAILED = 0x80
_NAMES = {PacketTypes.CONNACK: "CONNACK", PacketTypes.SUBACK: "SUBACK", PacketTypes.DISCONNECT: "DISCONNECT"}


class Malformed(ValueError):
    """A packet that makes no sense."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the broker answered CONNECT.

    Attributes:
        code: the reason code of MQTT 5.
        refusal: the reason in words, empty where it took us.
        session_present: it had our session.
        keepalive_ms: how often it wants to hear of us, 0 where it does not say.
    """

    code: int
    refusal: str
    session_present: bool
    keepalive_ms: int = 0


def greeting(body: bytes, *, v5: bool) -> Greeting:
    """Read CONNACK [3.2].

    Raises:
        Malformed: it makes no sense.
    """
    if len(body) < 2:
        raise Malformed(f"CONNACK of {len(body)} bytes")
    session_present, code = bool(body[0] & 1), body[1]
    if not v5:
        code = _REASON_OF_3.get(code, code)
        return Greeting(code, _in_words(PacketTypes.CONNACK, code) if code else "", session_present)
    said, _ = _properties(PacketTypes.CONNACK, body[2:])
    refusal = _in_words(PacketTypes.CONNACK, code, said) if code >= _FAILED else ""
    return Greeting(code, refusal, session_present, 1000 * said.get("ServerKeepAlive", 0))


def denied(body: bytes, topics: Sequence[str], *, v5: bool) -> list[str]:
    """Read SUBACK [3.9]; return each topic that was not granted with QoS 1, and the reason.

    Raises:
        Malformed: it makes no sense.
    """
    codes = body[2:]
    if v5:
        _, length = _properties(PacketTypes.SUBACK, codes)
        codes = codes[length:]
    if len(codes) != len(topics):
        raise Malformed(f"SUBACK with {len(codes)} answers to {len(topics)} topics")
    pairs = zip(topics, codes, strict=True)
    return [f"{topic} ({_in_words(PacketTypes.SUBACK, code)})" for topic, code in pairs if code != 1]


def farewell(body: bytes) -> tuple[int, str]:
    """Read DISCONNECT [3.14]; return the reason code, and the reason in words. Its properties may make no sense."""
    code = body[0] if body else 0
    said: Mapping[str, Any] = {}
    if len(body) > 1:
        with contextlib.suppress(Malformed):
            said, _ = _properties(PacketTypes.DISCONNECT, body[1:])
    return code, _in_words(PacketTypes.DISCONNECT, code, said)


def _in_words(kind: int, code: int, said: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Return a reason code as the standard words it, and what else the broker said of it."""
    try:
        words = str(ReasonCode(kind, identifier=code))
    except (KeyError, ValueError):  # no such code in this packet
        words = f"reason code 0x{code:02x}"
    more = said.get("ReasonString", "")
    return f"{words}: {more!r}" if more else words


def _properties(kind: int, raw: bytes) -> tuple[dict[str, Any], int]:
    """Return properties by their names, and how many bytes they took."""
    found = Properties(kind)  # type: ignore[no-untyped-call]  # not annotated there
    try:
        _, length = found.unpack(raw)  # type: ignore[no-untyped-call]  # as above
    except _SENSELESS as error:
        raise Malformed(f"properties of {_NAMES[kind]}: {error}") from error
    return vars(found), length
