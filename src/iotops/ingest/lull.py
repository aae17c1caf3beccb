"""Whether the broker has nothing more for us, as far as can be seen."""

from iotops.clock import monotonic_ms

_SETTLE_MS = 250  # after subscribing, before "nothing there" is believed: a backlog starts to flow within this
_LULL_MS = 100  # a socket found empty this recently has been caught up with


class Lull:
    """Follows one connection after the other; set by the network thread, asked by any.

    Attributes:
        waiting: the thread waits for the socket at this moment.
    """

    def __init__(self) -> None:
        self.waiting = False
        self._subscribed_ms = self._caught_up_ms = 0

    def subscribed(self) -> None:
        """Note that from now on messages can be expected."""
        self._subscribed_ms = monotonic_ms()

    def caught_up(self) -> None:
        """Note that the socket was found empty."""
        self._caught_up_ms = monotonic_ms()

    def holds(self) -> bool:
        """Tell whether nothing came of late, although it could have."""
        now_ms = monotonic_ms()
        settled = now_ms - self._subscribed_ms >= _SETTLE_MS
        return settled and (self.waiting or now_ms - self._caught_up_ms < _LULL_MS)
