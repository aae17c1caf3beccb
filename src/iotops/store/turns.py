"""Who writes next on SQLite, which takes one write at a time: a person first, for whom machines leave a gap.

Left to itself the lock goes to whoever happens to look right after it was given back. An ingest at full speed begins
its next transaction within milliseconds, while who waits looks ever more seldom. So a person's write says in a file
beside the database until when it wants a turn, and machines look there before they begin. Nothing is ever held:
a process that ends or hangs keeps nobody waiting for longer than a moment.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from struct import Struct

from iotops.clock import monotonic_ms, now_ms

GIVES_WAY_MS = 100
"""How long a machine waits for people at most; then it takes its turn among them, however many there are."""
_WANTED_MS = 60  # so long a word lasts: a person's write looks for its turn, and says so again, more often than that
_NOBODY = 0
_LOOK_S = 0.001
_UNTIL = Struct("<q")  # wall clock, Unix milliseconds: the processes may be in containers with clocks of their own


class Turns:
    """The word of those who want to write to one SQLite file next; without a file nobody ever waits."""

    def __init__(self, database: Path | None) -> None:
        self._file = None if database is None else database.with_name(f"{database.name}.turn")

    @contextmanager
    def wanted(self) -> Iterator[None]:
        """Say that a person's write wants its turn, until the block ends; for a moment longer where it fails."""
        said = _UNTIL.pack(now_ms() + _WANTED_MS)
        self._say(said)
        yield
        if self._read() == said:  # else somebody else's word stands there
            self._say(_UNTIL.pack(_NOBODY))

    def give_way(self, most_ms: int) -> None:
        """Wait while a person wants to write, for at most `most_ms` or `GIVES_WAY_MS`, whichever is less."""
        deadline_ms = monotonic_ms() + min(most_ms, GIVES_WAY_MS)
        while self._is_wanted() and monotonic_ms() < deadline_ms:
            time.sleep(_LOOK_S)

    def wanted_within(self, lately_ms: int) -> bool:
        """Tell whether a person wrote so lately, or wanted to."""
        if self._file is not None:
            with suppress(OSError):
                return abs(now_ms() - self._file.stat().st_mtime_ns // 1_000_000) < lately_ms
        return False

    def _is_wanted(self) -> bool:
        said, at_ms = self._read(), now_ms()
        # What lies further ahead than any word lasts was said before the clock was set back.
        return len(said) == _UNTIL.size and at_ms < _UNTIL.unpack(said)[0] <= at_ms + _WANTED_MS

    def _read(self) -> bytes:
        if self._file is not None:
            with suppress(OSError):
                return self._file.read_bytes()
        return b""

    def _say(self, said: bytes) -> None:
        if self._file is None:
            return
        # Where it cannot be written, the next turn is whoever's it happens to be.
        with suppress(OSError):
            place = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.pwrite(place, said, 0)
            finally:
                os.close(place)
