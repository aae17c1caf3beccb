"""Store and forward keeps order, keeps its memory bounded, and forgets nothing unanswered."""

import random

import pytest

from iotops.telemetry.reading import DeviceKey
from simulators.device import Utterance
from simulators.outbox import Outbox

KEY = DeviceKey("s", "d")


def message(seq):
    return Utterance(KEY, "telemetry", "b", seq, seq, b"{}")


@pytest.fixture
def outbox():
    box = Outbox(memory=10)
    yield box
    box.close()


def drain(outbox):
    out = []
    while outbox.ready:
        taken = outbox.take()
        outbox.sent(taken.seq, taken, 0)
        outbox.settle(taken.seq)
        out.append(taken)
    return out


def test_long_queue_waits_on_disk_in_order(outbox):
    """What does not fit into memory is spooled, and comes back whole and in order."""
    sent = [message(seq) for seq in range(1_000)]
    for each in sent:
        outbox.put(each)

    assert len(outbox) == 1_000
    assert len(outbox._waiting) == 10
    assert drain(outbox) == sent
    assert len(outbox) == 0


def test_order_holds_whatever_the_interleaving(outbox):
    """Putting and taking in any mixture, over memory and disk, is still a queue."""
    chance, put, got = random.Random(3), 0, []
    for _ in range(5_000):
        if chance.random() < 0.55:
            outbox.put(message(put))
            put += 1
        elif outbox.ready:
            got.append(outbox.take().seq)

    got += [left.seq for left, _ in outbox.rest()]

    assert got == list(range(put))


def test_sent_message_stays_until_it_is_answered(outbox):
    """Only an answer takes a message out; a lost connection puts the unanswered ones back to the front."""
    for seq in range(4):
        outbox.put(message(seq))
    for mid in (7, 8, 9):
        outbox.sent(mid, outbox.take(), 1_000)
    answered = outbox.settle(7)

    outbox.unsend()

    assert answered == (message(0), 1_000)
    assert [left.seq for left, _ in outbox.rest()] == [1, 2, 3]


def test_answer_for_an_unknown_packet_is_ignored(outbox):
    """A broker that answers what was never sent changes nothing."""
    assert outbox.settle(99) is None
