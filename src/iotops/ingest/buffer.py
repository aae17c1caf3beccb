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
        self._deliveries: deque[Delivery] = deque()
        self._bytes = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._deliveries)

    @property
    def room(self) -> int:
        """How many more messages fit; none once it is closed."""
        return (
            0 if self._closed or self._bytes >= self._max_bytes else max(0, self._max_messages - len(self._deliveries))
        )

    def close(self) -> None:
        """Have no room any more; what is inside, or on its way, can still be taken."""
        self._closed = True

    def put(self, deliveries: Sequence[Delivery]) -> None:
        """Add deliveries at the end and wake the taker."""
        with self._filled:
            self._deliveries.extend(deliveries)
            self._bytes += sum(map(size_bytes, deliveries))
            self._filled.notify()

    def take(self, max_messages: int, timeout_ms: int) -> list[Delivery]:
        """Return the oldest deliveries, as soon as there is one; nothing where none came within `timeout_ms`."""
        with self._filled:
            self._filled.wait_for(lambda: self._deliveries, timeout_ms / 1000)
            was_full = not self.room
            taken = [self._deliveries.popleft() for _ in range(min(max_messages, len(self._deliveries)))]
            self._bytes -= sum(map(size_bytes, taken))
        if was_full and self.room:
            self._on_room()
        return taken
