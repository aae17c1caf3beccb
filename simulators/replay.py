"""Publishing a recording as one device.

The boot id is made from the file's content, device, columns and shift, and `seq` is the line number: the same replay
again publishes the same messages byte by byte, which a receiver recognises as duplicates. With `--shift-to-now` every
replay is a new recording.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from iotops.durations import format_instant
from iotops.telemetry.reading import DeviceKey
from simulators.connection import Connection
from simulators.device import Utterance
from simulators.endpoint import Endpoint
from simulators.ledger import Ledger
from simulators.network import Network
from simulators.outbox import Outbox
from simulators.recording import BadRow, Columns, RecordingError, Row, read_recording

BACKLOG = 500
IDLE_S = 0.05


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """One replay. `speed` is `max` or `3600x`; `type_` the device's label, said in a status message before the rows."""

    file: Path
    device: str
    endpoint: Endpoint
    site: str = "recorded"
    type_: str | None = None
    columns: Columns = field(default_factory=Columns)
    speed: str = "max"
    shift_to_now: bool = False
    ledger: Path | None = None
    drain_ms: int = 30_000


@dataclass(slots=True)
class ReplaySummary:
    """What a replay did; `bad_rows` were reported and left out."""

    rows: int = 0
    published: int = 0
    acked: int = 0
    first_ms: int = 0
    last_ms: int = 0
    wall_s: float = 0.0
    error: str = ""
    bad_rows: list[BadRow] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        """Return the summary as one JSON-able object."""
        return {
            "rows": self.rows,
            "bad_rows": len(self.bad_rows),
            "published": self.published,
            "acked": self.acked,
            "unacked": self.published - self.acked,
            "first": format_instant(self.first_ms),
            "last": format_instant(self.last_ms),
            "wall_s": round(self.wall_s, 3),
            "messages_per_s": round(self.acked / self.wall_s, 1) if self.wall_s else 0.0,
            "error": self.error,
        }


def replay(options: ReplayOptions, stop: Event | None = None) -> ReplaySummary:
    """Publish a recording; return what was done.

    Raises:
        RecordingError: the file, its columns or the speed cannot be used.
        ConfigurationError: the ledger cannot be written.
    """
    return _Replay(options, stop or Event()).execute()


class _Replay:
    def __init__(self, options: ReplayOptions, stop: Event) -> None:
        self._options = options
        self._stop = stop
        self._key = DeviceKey(options.site, options.device)
        self._factor = _factor(options.speed)
        self.summary = ReplaySummary()
        self._rows = self._read()
        self._shift_ms = _wall_ms() - self._rows[-1].at_ms if options.shift_to_now else 0
        self._boot = self._boot_id()
        self._ledger = Ledger(options.ledger)
        self._network = Network(lambda: self._ledger.write(_wall_ms()))
        self._outbox = Outbox()
        self._network.add(
            Connection(
                options.endpoint,
                f"replay-{options.site}-{options.device}-{self._boot[:6]}",
                will=None,
                outbox=self._outbox,
                answered=self._answered,
                reconnected=lambda: None,
                watch=self._network.watch,
            )
        )

    def execute(self) -> ReplaySummary:
        """Publish every row at its time, wait for the acknowledgements, account."""
        began_s = time.monotonic()
        try:
            for message, due_s in self._messages():
                self._wait(began_s + due_s)
                if self._stop.is_set():
                    break
                self._outbox.put(message)
                self._network.wake(self._network.connections[0])
            self._drain()
        finally:
            self._network.close()
            self._ledger.close(self._outbox.rest())
            self._outbox.close()
        summary = self.summary
        summary.wall_s = time.monotonic() - began_s
        summary.published, summary.acked = self._ledger.published, self._ledger.acked
        summary.error = self._network.connections[0].last_error
        return summary

    def _read(self) -> list[Row]:
        rows: list[Row] = []
        for found in read_recording(self._options.file, self._options.columns):
            if isinstance(found, BadRow):
                self.summary.bad_rows.append(found)
            else:
                rows.append(found)
        if not rows:
            msg = f"{self._options.file}: no usable row"
            if self.summary.bad_rows:
                msg += f"; line {self.summary.bad_rows[0]}"
            raise RecordingError(msg)
        self.summary.rows = len(rows)
        return rows

    def _boot_id(self) -> str:
        digest = hashlib.blake2b(self._options.file.read_bytes(), digest_size=6)
        digest.update(repr((self._key, self._options.columns, self._options.type_, self._shift_ms)).encode())
        return digest.hexdigest()

    def _messages(self) -> Iterator[tuple[Utterance, float]]:
        """Yield each message with the seconds after the beginning at which it is due."""
        first_ms = self._rows[0].at_ms
        self.summary.first_ms = first_ms + self._shift_ms
        if self._options.type_ is not None:
            status = {"state": "online", "type": self._options.type_}
            yield self._message("status", 0, first_ms, status), 0.0
        for row in self._rows:
            self.summary.last_ms = row.at_ms + self._shift_ms
            due_s = (row.at_ms - first_ms) / 1000.0 / self._factor if self._factor else 0.0
            yield self._message("telemetry", row.line, row.at_ms, row.values), due_s

    def _message(self, leaf: str, seq: int, at_ms: int, members: Any) -> Utterance:
        ts = at_ms + self._shift_ms
        body = {"ts": ts, "seq": seq, "boot": self._boot, **({"metrics": members} if leaf == "telemetry" else members)}
        return Utterance(self._key, leaf, self._boot, seq, ts, msgspec.json.encode(body), retain=leaf == "status")

    def _wait(self, until_s: float) -> None:
        """Keep the network going until it is time, and until the queue has room."""
        while not self._stop.is_set():
            left_s = until_s - time.monotonic()
            if left_s <= 0 and len(self._outbox) < BACKLOG:
                return
            self._network.turn(_wall_ms(), min(IDLE_S, max(0.0, left_s)) if left_s > 0 else IDLE_S)

    def _drain(self) -> None:
        deadline_s = time.monotonic() + self._options.drain_ms / 1000.0
        while len(self._outbox) and time.monotonic() < deadline_s:
            self._network.turn(_wall_ms(), IDLE_S)

    def _answered(self, message: Utterance, sent_ms: int, acked_ms: int | None) -> None:
        if acked_ms is None:
            self._ledger.unacknowledged(message, sent_ms)
        else:
            self._ledger.acknowledged(message, sent_ms, acked_ms)


def _factor(speed: str) -> float:
    """Return how many times faster than recorded; 0 for as fast as possible."""
    if speed == "max":
        return 0.0
    try:
        factor = float(speed.removesuffix("x"))
    except ValueError:
        factor = -1.0
    if factor <= 0.0:
        msg = f"--speed {speed!r}: expected max, or a factor such as 3600x"
        raise RecordingError(msg)
    return factor


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
