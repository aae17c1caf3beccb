"""A message as the broker delivered it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """Raw bytes on a topic.

    `topic` is text even where the bytes on the wire were not UTF-8 (escaped by backslashes then, so that no
    mapping can match it). `connected_ms` is the broker-connected time so far, on the ingest's own running count,
    when the message was received: device clocks run on it.
    """

    topic: str
    payload: bytes
    received_ms: int
    connected_ms: int = 0
    qos: int = 1
    retain: bool = False
    dup: bool = False
