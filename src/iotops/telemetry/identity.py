"""When two deliveries are the same reading."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from iotops.telemetry.codecs import Sample

_canonical = msgspec.json.Encoder(order="deterministic").encode
_SIZE = 16
# seq alone says nothing after a reboot, when it starts again; within ten minutes equal content is a redelivery.
_SEQ_WINDOW_MS = 600_000


def identity(prefix: str, sample: Sample, received_ms: int) -> bytes:
    """Return 16 bytes that are equal exactly where two deliveries are the same reading.

    A reading is known by what the device proves, in this order: boot and seq; its event time and content; its seq,
    content and the ten minutes of its receipt; its content and the millisecond of its receipt. The last cannot tell a
    redelivery from a repetition: a device that sends neither ts nor seq is stored at least once.

    Args:
        prefix: site, device and what the topic is about. A device that counts telemetry and events apart loses nothing.
        sample: what was sent.
        received_ms: receive time, Unix milliseconds.
    """
    if sample.seq is not None and sample.boot is not None:
        proof, content = f"{prefix}\0boot\0{sample.boot}\0{sample.seq}", None
    elif sample.sent_ms is not None:
        proof, content = f"{prefix}\0ts\0{sample.sent_ms}", sample.content
    elif sample.seq is not None:
        proof, content = f"{prefix}\0seq\0{sample.seq}\0{received_ms // _SEQ_WINDOW_MS}", sample.content
    else:
        proof, content = f"{prefix}\0received\0{received_ms}", sample.content
    if content is None:
        return blake2b(proof.encode(), digest_size=_SIZE).digest()
    return blake2b(proof.encode() + b"\0" + _canonical(content), digest_size=_SIZE).digest()


def identities(prefix: str, samples: Sequence[Sample], received_ms: int) -> list[bytes]:
    """Return the identity of each sample of one message.

    A device that numbers its messages and not its readings sends one (boot, seq) for all elements of an array: the
    second and later ones that differ in content are told apart by it, the same way at each delivery.
    """
    found: dict[bytes, Sample] = {}
    result = []
    for sample in samples:
        name = identity(prefix, sample, received_ms)
        if found.setdefault(name, sample).content != sample.content:
            name = blake2b(name + _canonical(sample.content), digest_size=_SIZE).digest()
        result.append(name)
    return result
