"""Store and forward: messages wait here in order until the broker has acknowledged them."""

import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from iotops.telemetry.reading import DeviceKey
from simulators.device import Utterance

MEMORY = 500  # messages of one connection kept in memory; what comes after them waits on disk
_LENGTH = 4


class Outbox:
    """The queue of one connection. A message leaves it by `settle()` alone, never by being sent.

    Order: what is sent and unsettled, then memory, then disk. Memory holds at most `memory` messages; the spool file is
    emptied when everything in it was read back.
    """

    def __init__(self, directory: Path | None = None, memory: int = MEMORY) -> None:
        self._memory = memory
        self._directory = directory
        self._waiting: deque[Utterance] = deque()
        self._sent: dict[int, tuple[Utterance, int]] = {}
        self._spool: IO[bytes] | None = None
        self._spooled = 0
        self._read_at = 0

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting) + self._spooled

    @property
    def in_flight(self) -> int:
        """Return how many messages are sent and not settled."""
        return len(self._sent)

    @property
    def ready(self) -> bool:
        """Tell whether a message waits to be sent."""
        return bool(self._waiting or self._spooled)

    def put(self, message: Utterance) -> None:
        """Append a message."""
        if self._spooled or len(self._waiting) >= self._memory:
            self._write(message)
        else:
            self._waiting.append(message)

    def take(self) -> Utterance:
        """Return the next message to send; it stays ours until `sent()` and `settle()`."""
        if not self._waiting:
            self._read_back()
        return self._waiting.popleft()

    def sent(self, mid: int, message: Utterance, sent_ms: int) -> None:
        """Note that a message is on its way under a packet identifier."""
        self._sent[mid] = (message, sent_ms)

    def settle(self, mid: int) -> tuple[Utterance, int] | None:
        """Drop a message that the broker has answered; return it and when it was sent, None if it was not sent."""
        return self._sent.pop(mid, None)

    def unsend(self) -> None:
        """Put what is unsettled back to the front, in order: the connection is gone and the next one starts anew."""
        self._waiting.extendleft(message for message, _ in reversed(self._sent.values()))
        self._sent.clear()

    def rest(self) -> Iterator[tuple[Utterance, int | None]]:
        """Yield everything still here, in order, with the time it was sent where it was; for the last accounting."""
        yield from self._sent.values()
        while self.ready:
            yield self.take(), None

    def close(self) -> None:
        """Remove the spool file."""
        if self._spool is not None:
            self._spool.close()

    def _write(self, message: Utterance) -> None:
        if self._spool is None:
            self._spool = tempfile.TemporaryFile(dir=self._directory)  # noqa: SIM115  lives as long as the outbox
        record = msgspec.msgpack.encode(message)
        self._spool.seek(0, 2)
        self._spool.write(len(record).to_bytes(_LENGTH, "big") + record)
        self._spooled += 1

    def _read_back(self) -> None:
        if self._spool is None:
            return
        self._spool.seek(self._read_at)
        for _ in range(min(self._spooled, self._memory)):
            length = int.from_bytes(self._spool.read(_LENGTH), "big")
            fields = msgspec.msgpack.decode(self._spool.read(length))
            self._waiting.append(Utterance(DeviceKey(*fields[0]), *fields[1:]))
            self._spooled -= 1
        self._read_at = self._spool.tell()
        if not self._spooled:
            self._spool.truncate(0)
            self._read_at = 0
