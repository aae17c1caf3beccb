"""Messages become readings or dead letters."""

import json

import pytest

from iotops.telemetry.decode import REASONS, Limits, decode_all
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey, Kind

RECEIVED_MS = 1_767_225_600_000


def a_message(payload, topic="iot/s1/d1/telemetry", **fields):
    payload = payload if isinstance(payload, bytes) else payload.encode()
    return Message(topic, payload, fields.pop("received_ms", RECEIVED_MS), **fields)


def the_reading(payload, topic="iot/s1/d1/telemetry", **fields):
    decoded = decode_all([a_message(payload, topic, **fields)], Limits())
    assert decoded.dead_letters == ()
    (reading,) = decoded.readings
    return reading


def the_identity(payload, topic="iot/s1/d1/telemetry", **fields):
    return the_reading(payload, topic, **fields).identity


def test_flat_object_is_one_reading_with_all_that_was_sent():
    """Numbers, truth values, text and null keep their types; ts, seq and boot are no metrics."""
    stamps = '"ts": 1767225599.5, "seq": 7, "boot": "b1"'
    metrics = '"t": 21.5, "n": 9007199254740993, "on": true, "m": "x", "z": null'

    reading = the_reading(f"{{{stamps}, {metrics}}}", connected_ms=42)

    assert reading.key == DeviceKey("s1", "d1")
    assert reading.values == {"t": 21.5, "n": 9007199254740993, "on": True, "m": "x", "z": None}
    assert reading.values["on"] is True
    assert (reading.at_ms, reading.received_ms, reading.connected_ms) == (RECEIVED_MS - 500, RECEIVED_MS, 42)
    assert (reading.boot, reading.seq, reading.kind) == ("b1", 7, Kind.TELEMETRY)
    assert not reading.skewed
    assert not reading.retained


def test_reading_without_time_has_the_receive_time():
    """Where the device sends no ts, or null, the receive time counts."""
    assert the_reading('{"t": 1}').at_ms == RECEIVED_MS
    assert the_reading('{"t": 1, "ts": null, "seq": null, "boot": null}').at_ms == RECEIVED_MS


def test_nested_objects_become_dotted_names():
    """Members of nested objects, and those under `metrics`, are metrics."""
    nested = the_reading('{"a": {"b": {"c": 1}, "d": 2}, "e": {}}')
    under_metrics = the_reading('{"metrics": {"t": 1, "ts": 5}, "u": 2}')

    assert nested.values == {"a.b.c": 1, "a.d": 2}
    assert under_metrics.values == {"t": 1, "ts": 5, "u": 2}


def test_metric_called_metrics_is_a_metric():
    """Only an object under `metrics` is special."""
    assert the_reading('{"metrics": 3}').values == {"metrics": 3}


def test_array_is_one_reading_per_element():
    """An array gives its readings in order, all from one message."""
    decoded = decode_all([a_message('{"t": 0}'), a_message('[{"ts": 1, "t": 1}, {"ts": 2, "t": 2}]')], Limits())

    assert [reading.at_ms for reading in decoded.readings] == [RECEIVED_MS, 1_000, 2_000]
    assert [reading.message for reading in decoded.readings] == [0, 1, 1]
    assert len({reading.identity for reading in decoded.readings}) == 3


def test_one_bad_element_refuses_the_whole_message():
    """No message is both stored and dead-lettered."""
    decoded = decode_all([a_message('[{"t": 1}, {"t": [2]}]')], Limits())

    assert decoded.readings == ()
    assert [letter.reason for letter in decoded.dead_letters] == ["bad_type"]


def test_bad_message_leaves_its_neighbours_alone():
    """A dead letter names its message by its place, and the others are read."""
    messages = [a_message('{"t": 1}'), a_message("{"), a_message('{"t": 3}')]

    decoded = decode_all(messages, Limits())

    assert [reading.message for reading in decoded.readings] == [0, 2]
    (letter,) = decoded.dead_letters
    assert (letter.index, letter.message, letter.reason) == (1, messages[1], "bad_json")


@pytest.mark.parametrize(("ahead_ms", "skewed"), [(300_000, False), (300_001, True)])
def test_time_too_far_ahead_is_replaced_by_the_receive_time(ahead_ms, skewed):
    """An event time more than max_skew ahead counts as the receive time, and the reading says so."""
    reading = the_reading(f'{{"ts": {RECEIVED_MS + ahead_ms}, "t": 1}}')

    assert reading.skewed is skewed
    assert reading.at_ms == (RECEIVED_MS if skewed else RECEIVED_MS + ahead_ms)


def test_old_time_is_taken_as_it_is():
    """However old an event time is, it counts."""
    assert the_reading('{"ts": "2013-12-02T21:15:00Z", "t": 1}').at_ms == 1_386_018_900_000


def test_event_is_a_reading_with_a_text():
    """The text member `event` is a metric of an event reading, beside its details."""
    reading = the_reading('{"ts": 1, "event": "door_forced", "door": 2}', "iot/s1/d1/event")

    assert (reading.kind, reading.at_ms) == (Kind.EVENT, 1_000)
    assert reading.values == {"event": "door_forced", "door": 2}


@pytest.mark.parametrize(
    ("payload", "online"),
    [("online", True), (" Offline\n", False), ('"online"', True), ('{"state": "OFFLINE"}', False)],
)
def test_status_says_whether_the_device_is_online(payload, online):
    """Text and JSON form give exactly the metric `online`."""
    reading = the_reading(payload, "iot/s1/d1/status", retain=True)

    assert (reading.kind, reading.values, reading.retained) == (Kind.STATUS, {"online": online}, True)


def test_status_carries_the_labels_that_are_text():
    """Text members of a status are labels; numbers, lists and what proves identity are not."""
    said = {
        "state": "online",
        "type": "freezer",
        "firmware": "1.2",
        "rooms": [1],
        "n": 3,
        "boot": "b",
        "seq": 1,
        "ts": 5,
    }

    reading = the_reading(json.dumps(said), "iot/s1/d1/status")

    assert reading.labels == {"type": "freezer", "firmware": "1.2"}
    assert (reading.boot, reading.seq, reading.at_ms) == ("b", 1, 5_000)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        ("23.4", 23.4),
        (" -7 \n", -7),
        ("+5", 5),
        (".5", 0.5),
        ("1e3", 1_000.0),
        ("9223372036854775807", 2**63 - 1),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("open", "open"),
        ("ON", "ON"),
        ("23,4", "23,4"),
        ("1_000", "1_000"),
        ("\uff11\uff12", "\uff11\uff12"),
        ("0x1F", "0x1F"),
        ("1.2.3", "1.2.3"),
        ('"23"', "23"),
        ('"a\\u00e9"', "aé"),
        ('""', ""),
        ('"open', '"open'),
        ("-", "-"),
        ("unavailable", "unavailable"),
    ],
)
def test_scalar_is_one_value_named_by_its_topic(payload, value):
    """Numbers as devices write them are numbers; whatever only resembles one is text."""
    reading = the_reading(payload, "iot/s1/d1/telemetry/x")

    assert reading.values == {"x": value}
    assert type(reading.values["x"]) is type(value)


@pytest.mark.parametrize(
    "topic", ["iot/s1/d1/telemetry", "iot/s1/d1/telemetry/x", "iot/s1/d1/event", "iot/s1/d1/status"]
)
def test_empty_retained_message_is_a_deletion(topic):
    """Deleting a retained message is neither a reading nor a dead letter."""
    decoded = decode_all([a_message(b"", topic, retain=True)], Limits())

    assert (decoded.readings, decoded.dead_letters, decoded.empty) == ((), (), (0,))


def test_empty_status_is_a_deletion_that_a_live_subscriber_sees():
    """A deletion reaches a subscriber that is there without the retain flag; status is retained by convention."""
    decoded = decode_all([a_message(b"", "iot/s1/d1/status"), a_message(b"")], Limits())

    assert decoded.empty == (0,)
    assert [(letter.index, letter.reason) for letter in decoded.dead_letters] == [(1, "empty")]


def test_same_boot_and_seq_is_the_same_reading():
    """(site, device, boot, seq) is the identity where both are sent, whatever else changed."""
    first = the_identity('{"boot": "b", "seq": 1, "ts": 5, "t": 1}')

    assert first == the_identity('{"boot": "b", "seq": 1, "t": 2}', received_ms=RECEIVED_MS + 9_000, dup=True)
    assert first != the_identity('{"boot": "b", "seq": 2, "ts": 5, "t": 1}')
    assert first != the_identity('{"boot": "c", "seq": 1, "ts": 5, "t": 1}')
    assert first != the_identity('{"boot": "b", "seq": 1, "ts": 5, "t": 1}', "iot/s1/d2/telemetry")
    assert first != the_identity('{"boot": "b", "seq": 1, "ts": 5, "event": "x"}', "iot/s1/d1/event")


def test_same_time_and_content_is_the_same_reading():
    """Without boot and seq, event time and content decide; spacing and the order of members do not matter."""
    first = the_identity('{"ts": 5, "t": 1, "u": 2}')

    assert first == the_identity('{ "u":2, "t":1, "ts":5 }', received_ms=RECEIVED_MS + 1)
    assert first != the_identity('{"ts": 6, "t": 1, "u": 2}')
    assert first != the_identity('{"ts": 5, "t": 1, "u": 3}')


def test_seq_alone_catches_a_redelivery_and_survives_a_reboot():
    """Equal seq and content count as one within ten minutes; later they are a new reading."""
    start_ms = RECEIVED_MS // 600_000 * 600_000
    first = the_identity('{"seq": 1, "t": 1}', received_ms=start_ms)

    assert first == the_identity('{"seq": 1, "t": 1}', received_ms=start_ms + 599_999)
    assert first != the_identity('{"seq": 1, "t": 1}', received_ms=start_ms + 600_000)
    assert first != the_identity('{"seq": 1, "t": 2}', received_ms=start_ms)


def test_reading_without_any_proof_is_new_at_every_receipt():
    """A device that sends neither ts nor seq is stored at least once."""
    assert the_identity('{"t": 1}') != the_identity('{"t": 1}', received_ms=RECEIVED_MS + 1)
    assert the_identity("5", "iot/s1/d1/telemetry/x") != the_identity("5", "iot/s1/d1/telemetry/y")


def test_elements_that_share_one_seq_are_readings_of_their_own():
    """A device that numbers messages and not readings loses none of an array, and its redelivery is recognised."""
    payload = '[{"boot": "b", "seq": 1, "ts": 1, "t": 1}, {"boot": "b", "seq": 1, "ts": 2, "t": 1}]'

    first = decode_all([a_message(payload)], Limits())
    again = decode_all([a_message(payload, received_ms=RECEIVED_MS + 5_000, dup=True)], Limits())

    assert len({reading.identity for reading in first.readings}) == 2
    assert [r.identity for r in first.readings] == [r.identity for r in again.readings]


def test_identity_is_sixteen_bytes():
    """The identity has the size that the store reserves."""
    assert len(the_identity('{"t": 1}')) == 16


def test_fault_of_the_decoder_is_a_dead_letter():
    """Even a message that is none at all does not stop the batch."""
    decoded = decode_all([None, a_message('{"t": 1}')], Limits())

    assert [letter.reason for letter in decoded.dead_letters] == ["decoder_fault"]
    assert len(decoded.readings) == 1


def test_every_reason_says_what_it_means():
    """The list of reasons is documentation too."""
    assert all(len(meaning) > 20 for meaning in REASONS.values())
