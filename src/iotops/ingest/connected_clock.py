"""The count of broker-connected time, on which device clocks run."""


class ConnectedClock:
    """Counts milliseconds while it runs; readable from any thread, moved by one.

    Args:
        start_ms: where the count goes on.
    """

    def __init__(self, start_ms: int) -> None:
        self._state: tuple[int, int | None] = (start_ms, None)  # one tuple, so that readers never see half a change

    def run(self, now_ms: int) -> None:
        """Begin to count, at this monotonic time; nothing changes where it runs already."""
        count_ms, since_ms = self._state
        if since_ms is None:
            self._state = (count_ms, now_ms)

    def halt(self, now_ms: int) -> None:
        """Stop counting."""
        self._state = (self.read(now_ms), None)

    def read(self, now_ms: int) -> int:
        """Return the count at this monotonic time."""
        count_ms, since_ms = self._state
        return count_ms if since_ms is None else count_ms + max(0, now_ms - since_ms)
