"""One reader of the timeline serves all streams, and a slow one harms nobody."""

import asyncio

from iotops.api.broadcast import BACKLOG, Broadcast
from iotops.incidents.incident import SYSTEM
from iotops.incidents.timeline import Entry
from iotops.store.timeline import StoredEntry


class Timeline:
    """A timeline in memory that counts how often it is read."""

    def __init__(self):
        self.length = 0
        self.reads = 0

    def since(self, seq, limit):
        self.reads += 1
        last = min(self.length, seq + limit)
        return [StoredEntry(n, "INC-000001", None, Entry("raised", 0, SYSTEM)) for n in range(seq + 1, last + 1)]

    def head(self):
        return self.length


def broadcast(timeline):
    return Broadcast(timeline.since, timeline.head, interval_s=0.005)


async def collect(entries, count):
    found = []
    async for entry in entries:
        if entry is not None:
            found.append(entry.seq)
        if len(found) == count:
            break
    await entries.aclose()
    return found


def test_history_and_news_join_without_gap_or_repetition():
    """A subscriber that resumes in the middle of traffic hears every entry once."""
    timeline = Timeline()
    timeline.length = 1_200

    async def run():
        told = broadcast(timeline)
        listening = asyncio.create_task(collect(told.entries(100, 1), 2_000))
        while not listening.done():
            timeline.length += 10
            await asyncio.sleep(0.001)
        return await listening

    assert asyncio.run(run()) == list(range(101, 2_101))


def test_many_streams_cost_one_reader():
    """A hundred idle streams read the timeline as often as one."""
    timeline = Timeline()

    async def run():
        told = broadcast(timeline)
        streams = [asyncio.create_task(collect(told.entries(0, 1), 1)) for _ in range(100)]
        await asyncio.sleep(0.1)
        before = timeline.reads
        timeline.length = 1
        await asyncio.gather(*streams)
        return before

    assert asyncio.run(run()) <= 100 + 25  # one catch-up each, and the one reader


def test_a_client_that_falls_behind_is_cut_off_and_others_are_not():
    """Its stream ends, so that it resumes by itself; memory stays bounded."""
    timeline = Timeline()

    async def run():
        told = broadcast(timeline)
        slow = told.entries(0, 0.01)
        assert await anext(slow) is None  # subscribed, and reads no more
        quick = asyncio.create_task(collect(told.entries(0, 1), BACKLOG * 3))
        await asyncio.sleep(0)
        for _ in range(6):
            timeline.length += BACKLOG // 2
            await asyncio.sleep(0.03)
        heard = await quick
        return heard, [entry async for entry in slow if entry is not None]

    heard, late = asyncio.run(run())
    assert heard == list(range(1, BACKLOG * 3 + 1))
    assert len(late) < BACKLOG


def test_idle_streams_get_signs_of_life():
    """Whoever waits is told now and then that nothing happened."""

    async def run():
        entries = broadcast(Timeline()).entries(0, 0.01)
        signs = [await anext(entries), await anext(entries)]
        await entries.aclose()
        return signs

    assert asyncio.run(run()) == [None, None]


def test_closing_ends_every_stream():
    """Nobody keeps waiting, and nobody begins anew."""

    async def run():
        told = broadcast(Timeline())
        stream = asyncio.create_task(collect(told.entries(0, 60), 1))
        await asyncio.sleep(0.05)
        told.close()
        return await asyncio.wait_for(stream, 1), [entry async for entry in told.entries(0, 60)]

    assert asyncio.run(run()) == ([], [])


def test_a_reader_that_fails_ends_its_streams():
    """A stream that nobody would tell anything any more ends, so that its client comes again."""
    timeline = Timeline()

    async def run():
        told = broadcast(timeline)
        stream = asyncio.create_task(collect(told.entries(0, 60), 1))
        await asyncio.sleep(0.02)
        told._since = lambda seq, limit: 1 // 0
        return await asyncio.wait_for(stream, 1)

    assert asyncio.run(run()) == []
