"""What holds for every receiver, against a real mosquitto and against a broker that misbehaves."""

import json
from pathlib import Path

import pytest

from iotops.ingest.receiver import ReceiverEventKind

real = pytest.mark.real("mosquitto")


def drain(receiver, wait_until, count, *, acknowledge=True):
    """Take until `count` messages are there."""
    taken = []

    def enough():
        found = receiver.take(500, 100)
        taken.extend(found)
        if acknowledge:
            receiver.acknowledge(found)
        return len(taken) >= count

    wait_until(enough, what=f"{count} messages")
    return taken


def payloads_of(deliveries):
    return [delivery.message.payload for delivery in deliveries]


def kinds_of(receiver):
    return [event.kind for event in receiver.events()]


def numbers(start, end):
    return [b"%d" % number for number in range(start, end)]


@real
def test_messages_arrive_in_order_with_what_the_broker_said_of_them(mosquitto, make_receiver, publish, wait_until):
    """Topic, payload, QoS and flags come through, in the broker's order, and confirmation empties the window."""
    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, numbers(0, 300))
    taken = drain(receiver, wait_until, 300)

    assert payloads_of(taken) == numbers(0, 300)
    first = taken[0].message
    assert (first.topic, first.qos, first.retain, first.dup) == ("iot/s1/d1/telemetry", 1, False, False)
    wait_until(lambda: receiver.status().unacknowledged == 0)


@real
def test_receiver_that_comes_back_gets_what_was_published_meanwhile(mosquitto, make_receiver, publish, wait_until):
    """The session outlives the process: its first connection does not forget the backlog."""
    first = make_receiver(mosquitto.url)
    wait_until(lambda: first.status().subscribed)
    first.stop()

    publish(mosquitto, numbers(0, 200))
    second = make_receiver(mosquitto.url, options={"expects_session": True})

    assert payloads_of(drain(second, wait_until, 200)) == numbers(0, 200)
    assert second.status().session_losses == 0


@real
def test_unconfirmed_messages_come_again_marked_as_duplicates(mosquitto, make_receiver, publish, wait_until):
    """What was taken and not acknowledged is delivered again on the next connection."""
    first = make_receiver(mosquitto.url)
    wait_until(lambda: first.status().subscribed)
    publish(mosquitto, numbers(0, 50))
    taken = drain(first, wait_until, 50, acknowledge=False)
    first.acknowledge(taken[:20])
    wait_until(lambda: first.status().unacknowledged == 30)
    first.stop()

    again = drain(make_receiver(mosquitto.url), wait_until, 30)

    assert payloads_of(again) == numbers(20, 50)
    assert all(delivery.message.dup for delivery in again)


@real
def test_full_buffer_stops_reading_and_keeps_the_connection(mosquitto, make_receiver, publish, wait_until):
    """While nobody takes, memory stays bounded, pings go on beyond the keep alive, and nothing is lost."""
    receiver = make_receiver(mosquitto.url, keepalive_ms=1_000, receive_maximum=1_000, options={"buffer_messages": 20})
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, numbers(0, 400))
    wait_until(lambda: receiver.status().buffered == 20)
    wait_until(lambda: receiver.connected_ms() > 4_000, what="four keep alives")

    assert receiver.status().buffered == 20
    assert receiver.status().subscribed
    assert not receiver.status().drained
    assert payloads_of(drain(receiver, wait_until, 400)) == numbers(0, 400)
    assert receiver.status().epoch == 1


@real
def test_restarted_broker_is_found_again(mosquitto, make_receiver, publish, wait_until):
    """After a restart of the broker the receiver resumes its session and says that it was away."""
    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().subscribed)

    mosquitto.stop()
    wait_until(lambda: not receiver.status().connected)
    away_ms = receiver.connected_ms()
    mosquitto.start()
    publish(mosquitto, numbers(0, 10))

    assert payloads_of(drain(receiver, wait_until, 10)) == numbers(0, 10)
    wait_until(lambda: receiver.status().reconnects == 1)  # the backlog may come before the grant
    assert receiver.status().session_losses == 0
    assert kinds_of(receiver) == [
        ReceiverEventKind.SUBSCRIBED,
        ReceiverEventKind.DISCONNECTED,
        ReceiverEventKind.SUBSCRIBED,
    ]
    assert receiver.connected_ms() >= away_ms


@real
def test_session_that_the_broker_lost_is_noticed(mosquitto, make_receiver, wait_until):
    """A broker that comes back without our session may have lost messages: that is counted and recorded."""
    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().subscribed)

    mosquitto.stop(kill=True)
    (mosquitto.directory / "mosquitto.db").unlink(missing_ok=True)
    mosquitto.start()
    wait_until(lambda: receiver.status().reconnects == 1)

    assert receiver.status().session_losses == 1
    assert ReceiverEventKind.SESSION_LOST in kinds_of(receiver)


@real
@pytest.mark.parametrize(("expects_session", "losses"), [(False, 0), (True, 1)])
def test_missing_session_is_a_loss_only_where_one_is_expected(
    mosquitto, make_receiver, wait_until, expects_session, losses
):
    """The very first start finds no session; a later one that finds none has lost it."""
    receiver = make_receiver(mosquitto.url, options={"expects_session": expects_session})

    wait_until(lambda: receiver.status().subscribed)

    assert receiver.status().session_losses == losses


@real
def test_confirmation_of_an_earlier_connection_is_not_sent(mosquitto, make_receiver, publish, wait_until):
    """A late acknowledgement does not confirm another message that has the same id by now."""
    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().subscribed)
    publish(mosquitto, [b"old"])
    old = drain(receiver, wait_until, 1, acknowledge=False)
    mosquitto.stop(kill=True)
    (mosquitto.directory / "mosquitto.db").unlink(missing_ok=True)
    mosquitto.start()
    wait_until(lambda: receiver.status().reconnects == 1)
    publish(mosquitto, [b"new"])
    new = drain(receiver, wait_until, 1, acknowledge=False)
    assert old[0].mid == new[0].mid

    receiver.acknowledge(old)

    wait_until(lambda: receiver.status().stale_acknowledgements == 1)
    assert receiver.status().unacknowledged == 1
    receiver.acknowledge(new)
    wait_until(lambda: receiver.status().unacknowledged == 0)


@real
def test_message_that_nobody_confirms_forces_a_reconnect(mosquitto, make_receiver, publish, wait_until):
    """An unconfirmed message does not pin its place for ever: after a while the broker is made to send it again."""
    receiver = make_receiver(mosquitto.url, options={"unacked_after_ms": 300})
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, [b"lost reference"])
    drain(receiver, wait_until, 1, acknowledge=False)
    again = drain(receiver, wait_until, 1)

    assert again[0].message.dup
    assert again[0].epoch > 1
    assert ReceiverEventKind.STUCK in kinds_of(receiver)


@real
def test_retain_flag_means_replayed_state_and_nothing_else(mosquitto, make_receiver, publish, wait_until):
    """A retained message is flagged when it is replayed to a new subscription, and not when it arrives live."""
    publish(mosquitto, [b"online"], "iot/s1/old/status", retain=True)
    receiver = make_receiver(mosquitto.url)
    replayed = drain(receiver, wait_until, 1)

    publish(mosquitto, [b"online"], "iot/s1/new/status", retain=True)
    live = drain(receiver, wait_until, 1)

    assert [(d.message.topic, d.message.retain) for d in replayed + live] == [
        ("iot/s1/old/status", True),
        ("iot/s1/new/status", False),
    ]


@real
def test_denied_subscription_is_a_fault_that_names_the_topics(mosquitto, make_receiver, wait_until):
    """A broker that refuses SUBSCRIBE is reported as something that waiting does not heal."""
    plugin = next(Path("/usr/lib").glob("**/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("this mosquitto comes without its dynamic security plugin")
    access = dict.fromkeys(("publishClientSend", "publishClientReceive", "unsubscribe"), True) | {"subscribe": False}
    rules = mosquitto.directory / "dynsec.json"
    rules.write_text(json.dumps({"defaultACLAccess": access}))
    mosquitto.stop()
    mosquitto.start(f"plugin {plugin}\nplugin_opt_config_file {rules}\nallow_anonymous true")

    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().fault)

    assert "iot/+/+/telemetry" in receiver.status().fault
    assert not receiver.status().subscribed
    assert ReceiverEventKind.REFUSED in kinds_of(receiver)


@real
def test_bad_credentials_are_a_fault(mosquitto, make_receiver, wait_until):
    """A broker that refuses CONNECT is reported with what to check."""
    mosquitto.stop()
    mosquitto.start("allow_anonymous false")

    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().fault)

    assert "check user, password and client id" in receiver.status().fault
    assert receiver.connected_ms() == 0


@real
def test_second_client_with_our_id_is_reported(mosquitto, make_receiver, wait_until):
    """Two ingests with one client id are noticed, also where the broker does not say why it closes connections."""
    first = make_receiver(mosquitto.url)
    wait_until(lambda: first.status().subscribed)

    second = make_receiver(mosquitto.url)
    wait_until(lambda: first.status().takeovers + second.status().takeovers > 0)

    (event,) = [e for e in first.events() + second.events() if e.kind == ReceiverEventKind.TAKEN_OVER][:1]
    assert "are two ingests running?" in event.detail


def test_receiver_that_is_told_of_a_takeover_yields(make_receiver, scripted_broker, wait_until):
    """Where the broker says that somebody else has our session, we do not push them out at once."""
    broker = scripted_broker(b"\xe0\x01\x8e")
    receiver = make_receiver(broker.url)

    wait_until(lambda: receiver.status().takeovers == 1)

    assert kinds_of(receiver)[-1] == ReceiverEventKind.TAKEN_OVER
    assert broker.connections == 1


@real
def test_connected_time_goes_on_from_the_given_count_while_idle(mosquitto, make_receiver, publish, wait_until):
    """The count of connected time continues, moves without messages, and stands on each message."""
    receiver = make_receiver(mosquitto.url, options={"connected_ms": 5_000})
    wait_until(lambda: receiver.connected_ms() > 5_100)

    publish(mosquitto, [b"x"])
    (delivery,) = drain(receiver, wait_until, 1)
    receiver.stop()

    assert 5_100 < delivery.message.connected_ms <= receiver.connected_ms()
    assert receiver.connected_ms() == receiver.status().connected_ms


def test_connected_time_stands_still_without_a_broker(make_receiver, free_port, wait_until):
    """While no broker is there the count does not move, and the status says why."""
    receiver = make_receiver(f"mqtt://127.0.0.1:{free_port()}", options={"connected_ms": 7})

    wait_until(lambda: receiver.status().last_error)

    assert receiver.connected_ms() == 7
    assert "cannot reach the broker" in receiver.status().last_error
    assert not receiver.status().fault


@real
def test_idle_input_is_drained_and_a_waiting_message_is_not(mosquitto, make_receiver, publish, wait_until):
    """`drained` turns true on an idle subscription, and false as long as a message waits to be taken."""
    receiver = make_receiver(mosquitto.url)
    wait_until(lambda: receiver.status().drained)

    publish(mosquitto, [b"x"])
    wait_until(lambda: receiver.status().buffered == 1)

    assert not receiver.status().drained
    drain(receiver, wait_until, 1)
    wait_until(lambda: receiver.status().drained)


@real
def test_many_messages_pass_through_a_small_window(mosquitto, make_receiver, publish, wait_until):
    """Eight hundred messages pass while at most fifty may be unconfirmed."""
    receiver = make_receiver(mosquitto.url, receive_maximum=50)
    wait_until(lambda: receiver.status().subscribed)

    publish(mosquitto, numbers(0, 800))

    assert payloads_of(drain(receiver, wait_until, 800)) == numbers(0, 800)


def a_publish(topic, payload, mid=1):
    body = len(topic).to_bytes(2, "big") + topic + mid.to_bytes(2, "big") + b"\x00" + payload
    return bytes((0x32, len(body))) + body


def test_topic_that_is_not_utf8_is_escaped_and_the_loop_goes_on(make_receiver, scripted_broker, wait_until):
    """A poisonous topic is delivered in a form that matches nothing, and the next message follows."""
    broker = scripted_broker(a_publish(b"iot/\xff/d1/status", b"x", 1) + a_publish(b"iot/s1/d1/status", b"online", 2))
    receiver = make_receiver(broker.url)

    taken = drain(receiver, wait_until, 2)

    assert [delivery.message.topic for delivery in taken] == ["iot/\\xff/d1/status", "iot/s1/d1/status"]
    wait_until(lambda: broker.confirmed == [(1, 1), (1, 2)], what="both confirmed in order")


@pytest.mark.parametrize(
    "broken", [b"\x32\x01\x00", b"\xf0\x00", b"\x00\x00", b"\x36\xff\xff\xff\xff\xff", b"\x90\x00"]
)
def test_malformed_packet_ends_the_connection_and_not_the_receiver(make_receiver, scripted_broker, wait_until, broken):
    """After a packet that makes no sense the receiver connects again and receives."""
    broker = scripted_broker(broken, a_publish(b"iot/s1/d1/status", b"online"))
    receiver = make_receiver(broker.url)

    (delivery,) = drain(receiver, wait_until, 1)

    assert delivery.message.payload == b"online"
    assert delivery.epoch == 2


def test_broker_that_goes_silent_is_left(make_receiver, scripted_broker, wait_until):
    """A connection on which pings stay unanswered ends after one and a half keep alives."""
    broker = scripted_broker(b"")
    receiver = make_receiver(broker.url, keepalive_ms=1_000)
    wait_until(lambda: receiver.status().subscribed)

    wait_until(lambda: receiver.status().epoch > 1)

    assert "does not answer pings" in " ".join(event.detail for event in receiver.events())


def test_acknowledging_twice_confirms_once(make_receiver, scripted_broker, wait_until):
    """A message is confirmed once, however often it is acknowledged."""
    broker = scripted_broker(a_publish(b"iot/s1/d1/status", b"a", 1) + a_publish(b"iot/s1/d1/status", b"b", 2))
    receiver = make_receiver(broker.url)
    first, second = drain(receiver, wait_until, 2, acknowledge=False)

    receiver.acknowledge([first, first])
    receiver.acknowledge([first, second])

    wait_until(lambda: broker.confirmed == [(1, 1), (1, 2)])


def test_missing_password_file_is_a_fault(make_receiver, tmp_path, free_port, wait_until):
    """Settings that cannot work are said, with the name of the setting."""
    receiver = make_receiver(f"mqtt://user@127.0.0.1:{free_port()}", password_file=tmp_path / "none")

    wait_until(lambda: receiver.status().fault)

    assert "broker.password_file" in receiver.status().fault


def test_receiver_that_was_never_started_stops(make_receiver, free_port):
    """Stopping what does not run does nothing."""
    receiver = make_receiver(f"mqtt://127.0.0.1:{free_port()}", start=False)

    receiver.stop()

    assert receiver.take(10, 0) == []
