"""Bytes become readings: every message is either wholly understood or one dead letter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iotops.errors import DecodeError
from iotops.telemetry.codecs import CODECS, Sample
from iotops.telemetry.identity import identities, identity
from iotops.telemetry.limits import Limits
from iotops.telemetry.message import Message
from iotops.telemetry.reading import Kind, Reading
from iotops.telemetry.reasons import REASONS
from iotops.telemetry.skew import with_ahead
from iotops.telemetry.topic import Topic, parse_topic

__all__ = ["REASONS", "DeadLetter", "Decoded", "Limits", "decode_all"]

_KINDS: Mapping[str, Kind] = {"telemetry": Kind.TELEMETRY, "event": Kind.EVENT, "status": Kind.STATUS}
_CODEC_BY_LEAF: Mapping[str, str] = {"telemetry": "json", "event": "event", "status": "status"}
_NO_LABELS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that cannot be used, with one of `REASONS` and what was found; `index` is its place in the batch."""

    message: Message
    reason: str
    detail: str
    index: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a batch of messages holds.

    `empty` are the indexes of messages that are neither reading nor dead letter: empty payloads by which a retained
    message is deleted.
    """

    readings: tuple[Reading, ...]
    dead_letters: tuple[DeadLetter, ...]
    empty: tuple[int, ...]


def decode_all(messages: Sequence[Message], limits: Limits) -> Decoded:
    """Return the readings of n messages in their order, and the dead letters among them. Never raises.

    Every value can be kept by SQLite and PostgreSQL alike: integers of 64 bits, finite floats, text without NUL.
    """
    readings: list[Reading] = []
    dead_letters: list[DeadLetter] = []
    empty: list[int] = []
    for index, message in enumerate(messages):
        try:
            found = _decode(message, limits, index)
        except DecodeError as error:
            dead_letters.append(DeadLetter(message, error.reason, error.detail, index))
        except Exception as error:  # noqa: BLE001  our own fault must not stop the messages around it
            dead_letters.append(DeadLetter(message, "decoder_fault", ascii(error)[:200], index))
        else:
            if found:
                readings += found
            else:
                empty.append(index)
    return Decoded(tuple(readings), tuple(dead_letters), tuple(empty))


def _decode(message: Message, limits: Limits, index: int) -> list[Reading]:
    topic = parse_topic(message.topic)
    payload = message.payload
    if not payload:
        # Deleting a retained message is publishing an empty one. A subscriber that is there at that moment gets it
        # without the retain flag, hence the rule for status, which is retained by convention.
        if message.retain or topic.leaf == "status":
            return []
        raise DecodeError("empty", "a payload of 0 bytes")
    if len(payload) > limits.max_payload_bytes:
        raise DecodeError("too_large", f"{len(payload)} bytes; at most {limits.max_payload_bytes}")
    codec = CODECS["scalar" if topic.metric else _CODEC_BY_LEAF[topic.leaf]]
    samples = codec(topic, payload, limits)
    prefix = f"{topic.key}/{topic.leaf}/{topic.metric or ''}"
    if len(samples) == 1:
        names = [identity(prefix, samples[0], message.received_ms)]
    else:
        names = identities(prefix, samples, message.received_ms)
    ahead_ms = message.received_ms + limits.max_skew_ms
    return [_reading(message, topic, *named, ahead_ms, index) for named in zip(samples, names, strict=True)]


def _reading(message: Message, topic: Topic, sample: Sample, name: bytes, ahead_ms: int, index: int) -> Reading:  # noqa: PLR0917  five facts of one reading, and its place; keywords would cost a tenth of the whole decoding
    received_ms = message.received_ms
    sent_ms = sample.sent_ms
    skewed = sent_ms is not None and sent_ms > ahead_ms
    values = sample.values
    if skewed and sent_ms is not None and topic.leaf != "status":
        values = with_ahead(values, sent_ms, received_ms)
    return Reading(
        topic.key,
        received_ms if sent_ms is None or skewed else sent_ms,
        received_ms,
        values,
        name,
        message.connected_ms,
        sample.boot,
        sample.seq,
        _KINDS[topic.leaf],
        skewed,
        message.retain,
        sample.labels or _NO_LABELS,
        index,
    )
