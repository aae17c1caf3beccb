"""A TCP proxy on loopback that does to connections what networks do."""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_READ_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: close sends RST


class FaultProxy:
    """Stands between a client and a server on loopback; the verbs may be called from any thread.

    Attributes:
        port: where clients connect.
        connections: how many have come so far.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)
        self._thread.start()
        self._delay_s = 0.0
        self._slice_bytes = _READ_BYTES
        self._refuses = False
        self._open: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.connections = 0
        self._server = self._await(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def pass_(self) -> None:
        """Let everything through at once, also what was held back."""
        self._do(self._set, 0.0, _READ_BYTES)

    def delay(self, seconds: float, slice_bytes: int = _READ_BYTES) -> None:
        """Let pieces of at most so many bytes through, each so much later."""
        self._do(self._set, seconds, slice_bytes)

    def stall(self) -> None:
        """Swallow nothing and let nothing through: a black hole, in which connections stay open."""
        self._do(self._flows.clear)

    def reset(self) -> None:
        """End every connection by RST; new ones are welcome."""
        self._do(self._reset)

    def cut(self) -> None:
        """End every connection and refuse new ones until `pass_`."""

        def cut() -> None:
            self._refuses = True
            self._reset()

        self._do(cut)

    def close(self) -> None:
        """End everything, the thread included."""
        self.cut()
        self._do(self._server.close)
        self._do(self._flows.set)
        self._await(self._wait_for_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
        self._loop.close()

    def _do(self, verb: Callable[..., None], *arguments: Any) -> None:
        async def call() -> None:
            verb(*arguments)

        self._await(call())

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _wait_for_all(self) -> None:
        mine = asyncio.current_task()
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not mine), return_exceptions=True)

    def _set(self, delay_s: float, slice_bytes: int) -> None:
        self._delay_s, self._slice_bytes, self._refuses = delay_s, slice_bytes, False
        self._flows.set()

    def _reset(self) -> None:
        for writer in self._open:
            sock = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.transport.abort()
        self._open.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._refuses:
            writer.transport.abort()
            return
        try:
            onward_reader, onward = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, onward}
        await asyncio.gather(self._pump(reader, onward), self._pump(onward_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(self._slice_bytes):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        self._open.discard(writer)
        writer.close()
