"""One selector over the sockets of all connections: a thread a client would not carry hundreds of gateways."""

import selectors
from collections.abc import Callable
from typing import Any

from simulators.connection import Connection, Line

TEND_MS = 50


class Network:
    """All connections of a run, driven by `turn()` from one thread.

    `written` is called after acknowledgements came in and before anything new goes out (the ledger's moment).
    """

    def __init__(self, written: Callable[[], None]) -> None:
        self._written = written
        self._selector = selectors.DefaultSelector()
        self._writing: set[int] = set()
        self._ready: dict[Connection, None] = {}  # ordered, so that a run is the same each time
        self._tended_ms = 0
        self.connections: list[Connection] = []

    def add(self, connection: Connection) -> None:
        """Drive a connection from now on."""
        self.connections.append(connection)

    def watch(self, connection: Connection, sock: Any, opened: bool) -> None:
        """Listen to a socket that opened, or stop listening to one that is about to close."""
        if opened:
            self._selector.register(sock, selectors.EVENT_READ, connection)
            return
        self._writing.discard(sock.fileno())
        try:
            self._selector.unregister(sock)
        except (KeyError, ValueError):
            return  # closed by paho and by us: the first of the two has done it

    def wake(self, connection: Connection) -> None:
        """Note that a connection has something to send."""
        self._ready[connection] = None

    def turn(self, now_ms: int, timeout_s: float) -> int:
        """Read what came, account for it, send what may go, and tend to the lines; return how many were sent."""
        for key, events in self._selector.select(timeout_s):
            connection: Connection = key.data
            if events & selectors.EVENT_WRITE:
                connection.write()
            if events & selectors.EVENT_READ:
                connection.read(now_ms)
                self._ready[connection] = None
        self._written()
        count = self._pump(now_ms)
        if now_ms - self._tended_ms >= TEND_MS:
            self._tended_ms = now_ms
            for connection in self.connections:
                connection.tend(now_ms)
                self._ready[connection] = None
        return count

    def close(self) -> None:
        """Say goodbye on all connections."""
        for connection in self.connections:
            connection.close()
        self._selector.close()

    def _pump(self, now_ms: int) -> int:
        ready, self._ready = self._ready, {}
        count = 0
        for connection in ready:
            count += connection.pump(now_ms)
            self._mind_writes(connection)
        return count

    def _mind_writes(self, connection: Connection) -> None:
        """Ask to be told when a socket takes bytes again, exactly while bytes wait for it."""
        sock = connection.socket
        if sock is None or connection.line is Line.WAITING:
            return
        fd = sock.fileno()
        if connection.wants_write != (fd in self._writing):
            self._writing ^= {fd}
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.wants_write else 0)
            self._selector.modify(sock, events, connection)
