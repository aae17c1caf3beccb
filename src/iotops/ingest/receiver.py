"""What a receiver is: it brings messages from a broker and confirms them when they are safe."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from iotops.telemetry.message import Message


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """A message and what confirms it: the broker's id for it on the connection numbered `epoch`; 0 needs none."""

    message: Message
    epoch: int
    mid: int


class ReceiverEventKind(StrEnum):
    """What can happen to a connection; kept in the arrivals log."""

    SUBSCRIBED = "subscribed"
    DISCONNECTED = "disconnected"
    SESSION_LOST = "session_lost"
    REFUSED = "refused"
    TAKEN_OVER = "taken_over"
    STUCK = "stuck"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class ReceiverEvent:
    """Something that happened to the connection `epoch`, at a wall time and a connected time in milliseconds."""

    kind: ReceiverEventKind
    at_ms: int
    connected_ms: int
    epoch: int
    detail: str


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """How a receiver is doing.

    Attributes:
        kind: which receiver it is: `broker.receiver`.
        connected: the broker has accepted the connection.
        subscribed: ... and every subscription.
        epoch: number of the connection, counted from 1.
        connected_ms: time subscribed so far, continued from the count given at the start.
        received: messages since the start.
        buffered: messages that wait to be taken.
        unacknowledged: messages of this connection that the broker has not been told are safe.
        oldest_unacknowledged_ms: age of the oldest of them, 0 where there is none.
        stale_acknowledgements: confirmations dropped because their connection was gone.
        reconnects: connections after the first that reached a subscription.
        session_losses: times the broker had forgotten what it kept for us; messages may be missing.
        takeovers: times another client with our client id pushed us out.
        broker_dropped: messages that the broker says it has thrown away since its start, None where it does not say.
        drained: as far as can be seen, everything that the broker held for us has been taken.
        last_error: what ended or prevented the last connection, empty where nothing did.
        fault: why waiting will not help (bad credentials, a subscription refused), empty while there is hope.
    """

    kind: str = ""
    connected: bool = False
    subscribed: bool = False
    epoch: int = 0
    connected_ms: int = 0
    received: int = 0
    buffered: int = 0
    unacknowledged: int = 0
    oldest_unacknowledged_ms: int = 0
    stale_acknowledgements: int = 0
    reconnects: int = 0
    session_losses: int = 0
    takeovers: int = 0
    broker_dropped: int | None = None
    drained: bool = False
    last_error: str = ""
    fault: str = ""


class Receiver(Protocol):
    """Brings messages at least once, in the broker's order, with bounded memory.

    `take`, `acknowledge`, `status` and `events` may be called from any thread. What is never acknowledged is delivered
    again on a later connection: acknowledge after the commit, in the order of arrival.
    """

    def start(self) -> None:
        """Begin to connect and to receive; returns at once, failures show in the status."""

    def take(self, max_messages: int, timeout_ms: int, linger_ms: int = 0) -> list[Delivery]:
        """Return up to `max_messages`, as soon as there is one; nothing where none came within `timeout_ms`.

        With `linger_ms` it waits that much longer, or until `max_messages` are there.
        """

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these messages are safe; those of an earlier connection are dropped and counted."""

    def connected_ms(self) -> int:
        """Return the time subscribed so far, in milliseconds; it also moves on while no message comes."""

    def status(self) -> ReceiverStatus:
        """Return how the receiver is doing right now."""

    def events(self) -> list[ReceiverEvent]:
        """Return what happened to the connection since the last call, oldest first."""

    def stop_reading(self) -> None:
        """Receive no more messages; those received, or just being received, can still be taken and confirmed."""

    def stop(self) -> None:
        """Send the acknowledgements that are queued and disconnect; the broker keeps the session. Twice is once."""
