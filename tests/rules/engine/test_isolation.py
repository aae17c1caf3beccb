"""One device's clock and disorder are its own affair: what the others do stays the same, to the byte."""

import random
from dataclasses import replace

import msgspec
import pytest

from iotops.rules.authoring.replay import replay
from iotops.telemetry.reading import DeviceKey

RULES = """
  - {alert: hot, when: temp > 25, for: 2m, until: temp < 22, keep_firing_for: 1m}
  - {alert: warm, when: 'avg(temp[5m]) > 23', unless: firing(hot)}
  - {alert: jump, when: 'abs(delta(temp[2])) > 6'}
  - {alert: silent, when: age() >= 3 * every}
  - {alert: leak, when: 'increase(water[10m]) > 40'}
"""
DAY_MS = 86_400_000
TROUBLED = "d0"


def stream(reading, devices=6, minutes=240):
    """Return readings of some devices in order of arrival, with gaps, faults and a little delay; always the same."""
    draw = random.Random(7)
    found = []
    for number in range(devices):
        level, water = 20.0, 0
        for minute in range(minutes):
            level += draw.uniform(-2, 2) + (20.5 - level) * 0.1
            water += draw.choice((0, 0, 5, 9))
            if draw.random() > 0.04 and not 90 < minute < 97 + number:
                at_ms = minute * 60_000 + number * 7_000
                received = at_ms + draw.randrange(2_000)
                values = {"temp": round(level, 2), "water": water}
                one = reading(at_ms, values, name=f"d{number}")
                found.append(replace(one, received_ms=received, connected_ms=received))
    return sorted(found, key=lambda each: each.connected_ms)


def fast(readings):
    """A clock 24 h ahead: the intake puts the receipt in place of such a time and flags it."""
    return [replace(each, at_ms=each.received_ms, skewed=True) for each in readings]


def ahead(readings):
    """The same clock, had nobody looked at it."""
    return [replace(each, at_ms=each.at_ms + DAY_MS) for each in readings]


def late(readings):
    """Every tenth reading arrives some minutes behind those that followed it."""
    moved = [
        replace(each, received_ms=each.received_ms + 400_000, connected_ms=each.connected_ms + 400_000)
        if number % 10 == 0
        else each
        for number, each in enumerate(readings)
    ]
    return sorted(moved, key=lambda each: each.connected_ms)


def doubled(readings):
    """Every twentieth comes twice."""
    return [twin for number, each in enumerate(readings) for twin in ([each, each] if number % 20 == 0 else [each])]


TROUBLES = {
    "24 h fast": fast,
    "24 h fast, unnoticed": ahead,
    "10 % late": late,
    "5 % doubled": doubled,
    "all of it": lambda readings: doubled(late(fast(readings))),
    "silent from the start": lambda _: [],
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_of_one_device_leaves_the_others_as_they_were(program, memory_of, device, reading, trouble):
    """Their transitions, evidence and summaries included, are byte-identical with those without the troubled device."""
    rules = program(RULES)
    whole = stream(reading)
    mine = [each for each in whole if each.key.device == TROUBLED]
    others = [each for each in whole if each.key.device != TROUBLED]
    names = sorted({each.key.device for each in whole})

    def run(readings):
        memory = memory_of(*(device(name) for name in names))
        found = replay(rules, sorted(readings, key=lambda each: each.connected_ms), memory, until_connected_ms=DAY_MS)
        return [each for each in found if each.alert.key.instance != f"s/{TROUBLED}"]

    alone, beside = run(others), run([*others, *TROUBLES[trouble](mine)])

    by_device = {name: [each for each in alone if each.alert.device == DeviceKey("s", name)] for name in names}
    assert all(len(by_device[name]) > 20 for name in names if name != TROUBLED)
    for name, expected in by_device.items():
        found = [each for each in beside if each.alert.device == DeviceKey("s", name)]
        assert written(found) == written(expected)


def written(transitions):
    return [msgspec.json.encode([str(each.change), each.at_ms, each.reason, repr(each.alert)]) for each in transitions]
