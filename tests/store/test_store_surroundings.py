"""What rules under scrutiny meet in the database."""

from iotops.rules.rulefile import parse_rules
from iotops.store import surroundings
from iotops.telemetry.reading import DeviceKey, Reading

RULES, _ = parse_rules({"r.yaml": "rules:\n  - alert: hot\n    when: temp > 30\n"})


def readings(count, every_ms=600_000):
    """Every sixth reading of the device is hot."""
    for number in range(count):
        at_ms = 1_000_000_000_000 + number * every_ms
        values = {"temp": 31 if number % 6 == 0 else 20, "door": "shut"}
        yield Reading(
            DeviceKey("paris", "fz-1"),
            at_ms,
            at_ms,
            values,
            connected_ms=number * every_ms,
            seq=number,
            identity=number.to_bytes(16, "big"),
        )


def test_devices_come_with_their_labels_and_metrics(database, ingest):
    """What is registered, and what it sent."""
    ingest.store(*readings(3))

    with database.read() as unit:
        (member,) = surroundings.members(unit)

    assert member.labels == {"site": "paris", "device": "fz-1", "name": "fz-1"}
    assert member.metrics == {"temp", "door"}


def test_rules_are_run_over_the_newest_readings(database, ingest):
    """Six readings an hour, one of them hot: one alert an hour."""
    ingest.store(*readings(145))

    with database.read() as unit:
        whole, newest = surroundings.raised_lately(unit, RULES), surroundings.raised_lately(unit, RULES, most=13)

    assert (whole.readings, whole.by_rule, whole.a_day) == (145, {"hot": 25}, 25)
    assert (newest.readings, newest.by_rule, newest.a_day) == (13, {"hot": 3}, 36)


def test_too_little_telemetry_says_nothing_about_a_day(database, ingest):
    """Less than an hour is no base for a day; nothing at all neither."""
    with database.read() as unit:
        assert surroundings.raised_lately(unit, RULES).a_day is None
    ingest.store(*readings(3))

    with database.read() as unit:
        assert surroundings.raised_lately(unit, RULES).a_day is None
