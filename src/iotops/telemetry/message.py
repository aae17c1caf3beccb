"""A message as the broker delivered it."""

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """Raw bytes on a topic.

    `topic` is text even where the bytes on the wire were not UTF-8 (escaped by backslashes then, so that no
    mapping can match it). `connected_ms` is the broker-connected time so far, on the ingest's own running count,
    when the message was received: device clocks run on it.

    A struct and no dataclass because each message is one: making it takes 0.07 µs instead of 1.3.
    """

    topic: str
    payload: bytes
    received_ms: int
    connected_ms: int = 0
    qos: int = 1
    retain: bool = False
    dup: bool = False
