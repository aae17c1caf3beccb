"""What happens, told to every open stream: one reader of the timeline per process, however many streams there are."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.concurrency import run_in_threadpool

from iotops.errors import StoreError
from iotops.store.timeline import StoredEntry

_log = logging.getLogger(__name__)

PAGE = 500
BACKLOG = 1_000  # entries a slow client may fall behind; then its stream ends and it resumes by Last-Event-ID


class Broadcast:
    """Reads the timeline every `interval_s` while anybody listens, and hands new entries to every subscriber.

    Commit order is sequence order on both databases: whoever has seen n can ask for what comes after n and misses
    nothing. Several API processes each have their own broadcast and need not know of each other.
    """

    def __init__(
        self, since: Callable[[int, int], Sequence[StoredEntry]], head: Callable[[], int], interval_s: float = 0.25
    ) -> None:
        self._since = since
        self._head = head
        self._interval_s = interval_s
        self._queues: set[asyncio.Queue[StoredEntry | None]] = set()
        self._reader: asyncio.Task[None] | None = None
        self._seen = 0
        self.closed = False

    async def head(self) -> int:
        """Return the position of the newest entry."""
        return await run_in_threadpool(self._head)

    async def entries(self, after: int, idle_s: float) -> AsyncIterator[StoredEntry | None]:
        """Yield the entries after position `after`, and None whenever `idle_s` pass without one.

        Ends when the broadcast is closed, or where the caller falls more than `BACKLOG` entries behind.
        """
        if self.closed:
            return
        queue: asyncio.Queue[StoredEntry | None] = asyncio.Queue(BACKLOG)
        at = after
        async with self._subscribed(queue):
            while not self.closed and (
                page := await run_in_threadpool(self._since, at, PAGE)
            ):  # what was missed, from the database
                for entry in page:
                    yield entry
                at = page[-1].seq
            async for news in self._live(queue, idle_s):
                if news is None:
                    yield None
                elif news.seq > at:  # the queue may hold some that the database has just told
                    at = news.seq
                    yield news

    def close(self) -> None:
        """End every stream, now and for good; call it from the event loop."""
        self.closed = True
        if self._reader is not None:
            self._reader.cancel()
        self._end_all()

    async def _live(self, queue: asyncio.Queue[StoredEntry | None], idle_s: float) -> AsyncIterator[StoredEntry | None]:
        while not self.closed and queue in self._queues:
            try:
                async with asyncio.timeout(idle_s):
                    entry = await queue.get()
            except TimeoutError:
                yield None
                continue
            if entry is None:
                return
            yield entry

    @contextlib.asynccontextmanager
    async def _subscribed(self, queue: asyncio.Queue[StoredEntry | None]) -> AsyncIterator[None]:
        if self._reader is None or self._reader.done():
            head = await run_in_threadpool(self._head)
            if self._reader is None or self._reader.done():  # nobody else started it while the head was read
                self._seen = head
                self._reader = asyncio.create_task(self._read(), name="timeline reader")
        self._queues.add(queue)
        try:
            yield
        finally:
            self._queues.discard(queue)

    async def _read(self) -> None:
        try:
            while self._queues:  # the next subscriber starts a new reader
                await asyncio.sleep(self._interval_s)
                with contextlib.suppress(StoreError):  # the database is gone for now: streams stay open and catch up
                    await self._tell_new()
        except Exception:  # noqa: BLE001  a fault of ours must not leave streams open that nobody tells anything
            _log.exception("the reader of the timeline failed; streams end and resume")
        finally:
            self._end_all()

    def _end_all(self) -> None:
        for queue in self._queues:
            _end(queue)

    async def _tell_new(self) -> None:
        while page := await run_in_threadpool(self._since, self._seen, PAGE):
            self._seen = page[-1].seq
            for queue in tuple(self._queues):
                self._tell(queue, page)

    def _tell(self, queue: asyncio.Queue[StoredEntry | None], page: Sequence[StoredEntry]) -> None:
        for entry in page:
            try:
                queue.put_nowait(entry)
            except asyncio.QueueFull:
                self._queues.discard(queue)
                _end(queue)
                return


def _end(queue: asyncio.Queue[StoredEntry | None]) -> None:
    """Make the queue's reader stop at once, whatever waits in it: a resumed stream will tell it again."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)
