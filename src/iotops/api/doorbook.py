"""Who was turned away: denials, written down soon, and counted rather than repeated.

A denial costs whoever asks nothing. Written one by one they would let a stranger fill the database; so the same denial
(who, from where, what, why) is written when it first comes and then at most once a minute, with how often it came.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from starlette.concurrency import run_in_threadpool

from iotops.clock import monotonic_ms
from iotops.errors import StoreError
from iotops.store import deeds
from iotops.store.database import Database
from iotops.store.deeds import Deed

_log = logging.getLogger(__name__)

FLUSH_S = 1.0  # how much of this a kill of the process forgets
AGAIN_MS = 60_000
MOST = 1_000  # different denials that are kept apart; beyond that they are counted as one


class _Key(NamedTuple):
    actor_kind: str
    actor: str
    address: str | None
    action: str
    code: str


@dataclass(slots=True)
class _Denied:
    deed: Deed
    count: int = 0


class Doorbook:
    """Collects denials of one process and writes them in the background; `flush` may be called from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._flushing = threading.Lock()  # whoever flushes knows afterwards that all is written
        self._waiting: dict[_Key, _Denied] = {}
        self._written: dict[_Key, int] = {}
        self._writer: asyncio.Task[None] | None = None

    def note(self, denied: Deed, code: str) -> None:
        """Take one denial; called on the event loop, which it never holds up."""
        key = _Key(denied.actor_kind, denied.actor, denied.address, denied.action, code)
        with self._lock:
            if key not in self._waiting and len(self._waiting) >= MOST:
                key = _Key("nobody", "", None, "*", code)
                denied = replace(denied, actor_kind="nobody", actor="", address=None, action="*", object="*")
            self._waiting.setdefault(key, _Denied(denied)).count += 1
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="denials")

    def flush(self, *, everything: bool = False) -> None:
        """Write what is due; `everything`: also what was written less than a minute ago."""
        with self._flushing:
            self._flush(everything=everything)

    def _flush(self, *, everything: bool) -> None:
        now_ms = monotonic_ms()
        with self._lock:
            self._written = {key: at for key, at in self._written.items() if now_ms - at < AGAIN_MS}
            due = [key for key in self._waiting if everything or key not in self._written]
            taken = {key: self._waiting.pop(key) for key in due}
        if not taken:
            return
        rows = [_counted(found, key.code) for key, found in taken.items()]
        try:
            with self._database.begin() as unit:
                deeds.append(unit, rows)
        except StoreError as error:
            _log.warning("denials: %s; written later", error)
            self._put_back(taken)
            return
        with self._lock:
            self._written |= dict.fromkeys(taken, now_ms)
        _tell(rows)

    async def close(self) -> None:
        """Write everything that waits."""
        if self._writer is not None:
            self._writer.cancel()
        await run_in_threadpool(self.flush, everything=True)

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(FLUSH_S)
            await run_in_threadpool(self.flush)

    def _put_back(self, taken: dict[_Key, _Denied]) -> None:
        with self._lock:
            for key, found in taken.items():
                self._waiting.setdefault(key, _Denied(found.deed)).count += found.count


def _counted(found: _Denied, code: str) -> Deed:
    return replace(found.deed, outcome="denied", data={**found.deed.data, "code": code, "count": found.count})


def _tell(rows: Sequence[Deed]) -> None:
    for row in rows:
        who = row.actor or "nobody known"
        _log.info("denied: %s by %s from %s: %s", row.action, who, row.address, row.data)
