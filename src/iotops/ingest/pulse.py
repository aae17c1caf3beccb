"""Whether a connection lives."""

from iotops.clock import monotonic_ms

_ANSWER_WITHIN_MS = 10_000  # for CONNACK; a broker under load answers in well under one second


class Pulse:
    """Tells when to ping, and when the other side is gone.

    While reading stands still on purpose, the answers to pings wait behind messages, and silence says nothing.

    Attributes:
        keepalive_ms: how long the broker waits at the most to hear of us.
    """

    def __init__(self, keepalive_ms: int) -> None:
        self.keepalive_ms = keepalive_ms
        self._opened_ms = self._heard_ms = self._pinged_ms = monotonic_ms()

    def hear(self) -> None:
        """Note that something came."""
        self._heard_ms = monotonic_ms()

    def silence(self, *, accepted: bool, reading: bool) -> str:
        """Return why the connection is to be given up, empty while it is not."""
        now_ms = monotonic_ms()
        if not reading:
            self._heard_ms = now_ms
        if not accepted:
            return "the broker does not answer CONNECT" if now_ms - self._opened_ms > _ANSWER_WITHIN_MS else ""
        return "the broker does not answer pings" if now_ms - self._heard_ms > self.keepalive_ms * 3 // 2 else ""

    def ping_due(self) -> bool:
        """Tell whether it is time to ping; then the next time counts from here."""
        now_ms = monotonic_ms()
        if now_ms - self._pinged_ms < self.keepalive_ms // 2:
            return False
        self._pinged_ms = now_ms
        return True
