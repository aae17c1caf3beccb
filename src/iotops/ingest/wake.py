"""Waiting on a socket, and being woken from it."""

import contextlib
import selectors
import socket
from typing import Protocol, Self


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


class Wake:
    """A pipe to oneself: `SocketWatch.wait` returns when any thread calls `wake()`."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """End the wait, the present one or the next; does nothing once closed."""
        with contextlib.suppress(OSError):  # full of earlier calls, which will do, or closed
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Forget all calls so far."""
        with contextlib.suppress(BlockingIOError):
            while self.reader.recv(4_096):
                pass

    def close(self) -> None:
        """Give both ends back."""
        self.reader.close()
        self._writer.close()


class SocketWatch:
    """Waits until a socket can be read or written, or until the wake is called."""

    def __init__(self, watched: _HasFileno, wake: Wake) -> None:
        self._socket = watched
        self._wake = wake
        self._selector = selectors.DefaultSelector()  # unlike select(), with any number of open descriptors
        self._selector.register(wake.reader, selectors.EVENT_READ)
        self._events = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def wait(self, timeout_ms: int, *, reading: bool, writing: bool) -> None:
        """Return when something can be done, and at the latest after `timeout_ms`."""
        self._choose((selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if writing else 0))
        self._selector.select(timeout_ms / 1000)
        self._wake.clear()

    def _choose(self, events: int) -> None:
        if events == self._events:
            return
        if not self._events:
            self._selector.register(self._socket, events)
        elif not events:
            self._selector.unregister(self._socket)
        else:
            self._selector.modify(self._socket, events)
        self._events = events
