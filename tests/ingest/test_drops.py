"""The broker's count of messages thrown away, apart from the messages of devices."""

import pytest

from iotops.ingest.drops import DROPPED, DropWatch
from iotops.ingest.receiver import Delivery
from iotops.telemetry.message import Message


def arrived(topic, payload, qos=0):
    return Delivery(Message(topic, payload, 0, qos=qos), epoch=1, mid=qos)


def test_counts_are_noted_and_messages_pass_in_their_order():
    """The newest count stands; what is no number changes nothing."""
    drops = DropWatch()
    devices = [arrived("iot/a/b/event", b"1", 1), arrived("iot/a/b/event", b"2")]

    passed = drops.sift([devices[0], arrived(DROPPED, b"7"), arrived(DROPPED, b"9"), devices[1]])
    nothing = drops.sift([arrived(DROPPED, b"-")])

    assert (passed, nothing, drops.count) == (devices, [], 9)


@pytest.mark.parametrize(("answered", "again"), [(True, True), (False, False)])
def test_a_broker_that_hangs_up_over_the_question_is_not_asked_again(answered, again):
    """Some end the connection of whoever asks for what it may not read: without that question all works."""
    drops = DropWatch()

    first = drops.asked()
    if answered:
        drops.answered()
    drops.ended()

    assert (first, drops.asked()) == (True, again)


@pytest.mark.real("mosquitto")
def test_what_mosquitto_dropped_is_known(mosquitto, make_receiver, publish, wait_until):
    """A queue that was full for somebody shows in the status, and no message of a device is made of it."""
    mosquitto.stop()
    mosquitto.start("max_queued_messages 10\nsys_interval 1")
    away = make_receiver(mosquitto.url)
    wait_until(lambda: away.status().subscribed)
    away.stop()
    publish(mosquitto, [b"%d" % number for number in range(50)])

    back = make_receiver(mosquitto.url)

    wait_until(lambda: back.status().broker_dropped, what="the count of dropped messages")
    taken = back.take(500, 1_000)
    assert back.status().broker_dropped + len(taken) == 50
    assert {delivery.message.topic for delivery in taken} == {"iot/s1/d1/telemetry"}
