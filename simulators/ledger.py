"""PUBLISHED.csv: every message that was published, and when the broker acknowledged it.

A row is written when its PUBACK has come, before anything else is sent, and goes to the operating system at once: after
a SIGKILL of the simulator no acknowledged message is missing. Once a second the file is synced, against loss of power.
What was never acknowledged follows when the run ends. The file may hold the rows of several runs, one after the other.
"""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from iotops.durations import format_instant
from iotops.errors import ConfigurationError
from simulators.device import Utterance

COLUMNS = ("site", "device", "boot", "seq", "ts", "sha256", "sent_at", "acked_at")
SYNC_MS = 1_000
_HEADER = (",".join(COLUMNS) + "\n").encode()


class Ledger:
    """An append-only account; without a file it counts only."""

    def __init__(self, file: Path | None) -> None:
        self.published = 0
        self.acked = 0
        self._rows: list[str] = []
        self._synced_ms = 0
        self._second = (-1, "")
        self._fd = None if file is None else _open(file)

    def acknowledged(self, message: Utterance, sent_ms: int, acked_ms: int) -> None:
        """Note a message that the broker has acknowledged."""
        self.acked += 1
        self._row(message, sent_ms, self._instant(acked_ms))

    def unacknowledged(self, message: Utterance, sent_ms: int | None) -> None:
        """Note a message that was not acknowledged when the run ended; sent or not, the device holds it no more."""
        self._row(message, sent_ms, "")

    def write(self, now_ms: int) -> None:
        """Hand the rows so far to the operating system, and sync once a second."""
        if self._fd is None:
            return
        if self._rows:
            _write_all(self._fd, "".join(self._rows).encode())
            self._rows.clear()
        if now_ms - self._synced_ms >= SYNC_MS:
            os.fsync(self._fd)
            self._synced_ms = now_ms

    def close(self, rest: Iterable[tuple[Utterance, int | None]] = ()) -> None:
        """Account for what is left, sync, and close."""
        for message, sent_ms in rest:
            self.unacknowledged(message, sent_ms)
        if self._fd is not None:
            self.write(self._synced_ms + SYNC_MS)
            os.close(self._fd)
            self._fd = None

    def _row(self, message: Utterance, sent_ms: int | None, acked_at: str) -> None:
        self.published += 1
        if self._fd is None:
            return
        digest = hashlib.sha256(message.payload).hexdigest()
        sent_at = "" if sent_ms is None else self._instant(sent_ms)
        key = message.key
        self._rows.append(
            f"{key.site},{key.device},{message.boot},{message.seq},{message.ts},{digest},{sent_at},{acked_at}\n"
        )

    def _instant(self, at_ms: int) -> str:
        # Thousands of instants a second share their second; formatting it once is a quarter of the cost.
        second, rest = divmod(at_ms, 1000)
        if self._second[0] != second:
            self._second = (second, format_instant(second * 1000)[:-1])
        return f"{self._second[1]}.{rest:03d}Z"


def _open(file: Path) -> int:
    try:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        head = os.pread(fd, len(_HEADER), 0)
        if not head:
            _write_all(fd, _HEADER)
        size = os.fstat(fd).st_size
        if head and os.pread(fd, 1, size - 1) != b"\n":
            os.ftruncate(fd, _last_line_end(fd, size))
    except OSError as error:
        msg = f"ledger {file}: {error.strerror}; write a path in a directory that exists"
        raise ConfigurationError(msg) from error
    if head not in (b"", _HEADER):
        os.close(fd)
        msg = f"ledger {file}: expected the columns {','.join(COLUMNS)}, found another file; move it away"
        raise ConfigurationError(msg)
    return fd


def _last_line_end(fd: int, size: int) -> int:
    """Return where the last whole line ends: a run that was killed may have left a torn one."""
    tail = os.pread(fd, 4096, max(0, size - 4096))
    return max(0, size - 4096) + tail.rfind(b"\n") + 1


def _write_all(fd: int, rows: bytes) -> None:
    while rows:
        rows = rows[os.write(fd, rows) :]
