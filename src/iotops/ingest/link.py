"""What a link is: one connection to the broker, driven by its owner's thread."""

import contextlib
import socket
from collections.abc import Sequence
from typing import Protocol

from iotops.clock import monotonic_ms
from iotops.ingest.drops import DropWatch
from iotops.ingest.frames import Arrival
from iotops.ingest.receiver import Delivery
from iotops.settings import BrokerSettings

_READ_BYTES = 65_536
_FAREWELL_MS = 2_000

TAKEN_OVER = 0x8E  # MQTT 5, table 3.14.2.1: session taken over
# MQTT 5, tables 3.2.2.2 and 3.9.3, and their 3.1.1 ancestors: the same CONNECT fails again.
HOPELESS = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})


class Link(Protocol):
    """One connection from CONNECT to its end; a new one is made for each attempt, so that nothing is carried over.

    The owner calls `read`, `write`, `confirm` and `beat` from one thread; no other may touch it.

    Attributes:
        accepted: the broker has sent CONNACK.
        session_present: ... and still had our session.
        subscribed: every subscription was granted with QoS 1.
        ended: why the connection is over, empty while it is not.
        fault: why the same attempt will fail again, empty where it may not.
        taken_over: it ended because another client came with our client id, as far as the broker says so.
        cut_off: the broker closed it without a word.
        starved: the last read left nothing behind on the socket.
    """

    accepted: bool
    session_present: bool
    subscribed: bool
    ended: str
    fault: str
    taken_over: bool
    cut_off: bool
    starved: bool

    def open(self) -> None:
        """Open the socket, TLS included, and send CONNECT.

        Raises:
            OSError: nobody listens, the name is unknown, or the certificate is not good.
        """

    def fileno(self) -> int:
        """Return what can be waited for."""

    def read(self, max_messages: int, arrival: Arrival) -> list[Delivery]:
        """Read what is there and return the messages in it, at most `max_messages` or about a megabyte.

        Until CONNACK came, 0 reads too. The rest stays in the socket or with the broker: that is the back-pressure.
        """

    def want_write(self) -> bool:
        """Tell whether something waits to be sent."""

    def write(self) -> None:
        """Send what waits, as far as it goes."""

    def confirm(self, mids: Sequence[int]) -> None:
        """Have the PUBACK of each message sent, all in one write, in the given order."""

    def beat(self, *, reading: bool) -> None:
        """Ping where it is time, and end the connection where the broker has gone silent."""

    def close(self) -> None:
        """Send DISCONNECT and wait a little until the broker has read it; it keeps the session."""

    def drop(self, reason: str) -> None:
        """End the connection at once; the first reason counts."""


class NewLink(Protocol):
    """What makes a link for the next connection; `drops` knows whether to ask what the broker has thrown away."""

    def __call__(self, settings: BrokerSettings, drops: DropWatch) -> Link: ...


def await_hangup(sock: socket.socket) -> None:
    """Wait a little until the other side, told of the end, has closed the connection.

    Whoever comes next with our client id may overtake confirmations that the broker has not read yet: its messages
    would come again.
    """
    deadline_ms = monotonic_ms() + _FAREWELL_MS
    sock.settimeout(_FAREWELL_MS / 1000)
    with contextlib.suppress(OSError):
        while monotonic_ms() < deadline_ms and sock.recv(_READ_BYTES):
            pass  # messages that nobody waits for any more; unconfirmed, they come again


def ungranted(denied: Sequence[str]) -> str:
    """Return in words what it means that subscriptions were denied."""
    return f"the broker does not grant QoS 1 for {', '.join(denied)}; check its access list for our user"


def too_large(size: int, settings: BrokerSettings) -> str:
    """Return in words that a packet is larger than agreed (bytes)."""
    limit = f"broker.max_packet_bytes = {settings.max_packet_bytes}"
    return f"the broker sent a packet of {size} bytes, although {limit} was agreed"
