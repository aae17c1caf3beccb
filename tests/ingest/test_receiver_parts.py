"""The parts of a receiver that need no broker."""

from iotops.ingest.buffer import DeliveryBuffer, size_bytes
from iotops.ingest.confirmations import Confirmations
from iotops.ingest.connected_clock import ConnectedClock
from iotops.ingest.receiver import Delivery
from iotops.telemetry.message import Message


def a_delivery(mid=1, epoch=1, payload=b"x"):
    return Delivery(Message("iot/s1/d1/telemetry", payload, 0), epoch, mid)


def test_buffer_gives_back_in_order_and_says_when_there_is_room_again():
    """A full buffer has no room; taking from it makes room and calls for more, once."""
    calls = []
    buffer = DeliveryBuffer(2, 10_000, lambda: calls.append("room"))
    first, second = a_delivery(1), a_delivery(2)
    buffer.put([first, second])
    assert buffer.room == 0

    taken = [*buffer.take(1, 0), *buffer.take(5, 0)]

    assert taken == [first, second]
    assert (calls, buffer.room, len(buffer)) == (["room"], 2, 0)


def test_buffer_is_full_of_bytes_too():
    """Few large messages fill the buffer as well."""
    large = a_delivery(payload=b"x" * 600)
    buffer = DeliveryBuffer(100, size_bytes(large), lambda: None)

    buffer.put([large])

    assert buffer.room == 0
    assert buffer.take(1, 0) == [large]
    assert buffer.room == 100


def test_empty_buffer_gives_nothing_after_the_time():
    """Taking waits no longer than it is told."""
    assert DeliveryBuffer(1, 1, lambda: None).take(1, 1) == []


def test_confirmations_go_out_once_in_order_and_to_their_own_connection():
    """A confirmation of an earlier connection is counted and dropped; a repeated one has no effect."""
    confirmations = Confirmations()
    confirmations.begin()
    confirmations.expect([1, 2, 3], now_ms=100)
    confirmations.queue([a_delivery(2), a_delivery(1), a_delivery(2), a_delivery(3, epoch=0)])

    due = confirmations.due()

    assert (due, confirmations.stale, len(confirmations)) == ([2, 1], 1, 1)
    assert confirmations.oldest_ms(150) == 50


def test_new_connection_expects_nothing_of_the_last_one():
    """What was open on the last connection will be delivered again, under new ids."""
    confirmations = Confirmations()
    confirmations.begin()
    confirmations.expect([1], now_ms=100)

    confirmations.begin()

    assert (confirmations.epoch, len(confirmations), confirmations.oldest_ms(500)) == (2, 0, 0)


def test_connected_clock_counts_only_while_it_runs():
    """The count goes on from where it started, and stands still in between."""
    clock = ConnectedClock(1_000)
    clock.run(10)
    clock.run(20)
    assert clock.read(40) == 1_030

    clock.halt(50)

    assert clock.read(900) == 1_040
    clock.run(1_000)
    assert clock.read(1_005) == 1_045
