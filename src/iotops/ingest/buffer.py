"""Where deliveries wait between the network thread and the worker."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from iotops.ingest.receiver import Delivery

# What a small message costs in memory beside its payload and topic, measured with tracemalloc on CPython 3.11.
_OVERHEAD_BYTES = 400


def size_bytes(delivery: Delivery) -> int:
    """Return about how much memory a delivery takes."""
    return len(delivery.message.payload) + len(delivery.message.topic) + _OVERHEAD_BYTES


class DeliveryBuffer:
    """A bounded queue: the filler asks for `room` and stops reading the network where there is none.

    It has one filler and one taker. They hand over bursts, and the taker is not woken for each.

    Args:
        max_messages: `room` is none from here on.
        max_bytes: ... or from here on, whichever comes first; one message more may get in.
        on_room: called, from the taker's thread, when a full buffer has room again.
    """

    def __init__(self, max_messages: int, max_bytes: int, on_room: Callable[[], None]) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._on_room = on_room
        self._filled = threading.Condition()
        self._bursts: deque[Sequence[Delivery]] = deque()
        self._messages = 0
        self._bytes = 0
        self._wanted = 1
        self._closed = False

    def __len__(self) -> int:
        return self._messages

    @property
    def room(self) -> int:
        """How many more messages fit; none once it is closed."""
        return 0 if self._closed or self._bytes >= self._max_bytes else max(0, self._max_messages - self._messages)

    def close(self) -> None:
        """Have no room any more; what is inside, or on its way, can still be taken."""
        self._closed = True

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries at the end and wake the taker where it has its fill."""
        with self._filled:
            self._bursts.append(deliveries)
            self._messages += len(deliveries)
            self._bytes += sum(map(size_bytes, deliveries))
            if self._messages >= self._wanted or not self.room:
                self._filled.notify()

    def take(self, max_messages: int, timeout_ms: int, linger_ms: int = 0) -> list[Delivery]:
        """Return the oldest deliveries: nothing where none came within `timeout_ms`.

        As soon as there is one, or so much later that either `max_messages` are there or `linger_ms` have passed, or
        no more has room.
        """
        with self._filled:
            if self._await(1, timeout_ms) and linger_ms > 0:
                self._await(max_messages, linger_ms)
            was_full = not self.room
            taken = self._pop(max_messages)
        if was_full and self.room:
            self._on_room()
        return taken

    def _await(self, messages: int, timeout_ms: int) -> bool:
        self._wanted = messages
        return self._filled.wait_for(
            lambda: self._messages >= messages or (self._messages > 0 and not self.room), timeout_ms / 1000
        )

    def _pop(self, max_messages: int) -> list[Delivery]:
        taken: list[Delivery] = []
        while self._bursts and len(taken) < max_messages:
            burst, left = self._bursts.popleft(), max_messages - len(taken)
            if len(burst) > left:
                self._bursts.appendleft(burst[left:])
            taken += burst[:left]
        self._messages -= len(taken)
        self._bytes -= sum(map(size_bytes, taken))
        return taken
