"""Readings that can turn nothing are taken together, and nobody can tell by the results."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import SLOTS, Memory, slot_of
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.batch import Batch, Rows
from iotops.telemetry.reading import DeviceKey, Kind, Reading
from iotops.telemetry.track import Instants, Track

CATALOGUE = """metrics:
  temp: {kind: gauge, every: 10s, valid: [-60, 80]}
  door: {kind: state}
  free: {kind: gauge}
  water: {kind: counter}
  forced: {kind: event}
rules:
"""
CONDITIONS = (
    "temp > 30",
    "not temp < 31",
    "20 <= temp <= 22 and free > 3",
    "temp + 2 * free > 45",
    "abs(temp - limit) < 1",
    "temp == 31",
    'door == "open"',
    'door != "shut"',
    "lit",
    "lit == true",
    "avg(temp[1m]) > 24",
    "avg(temp[1m]) < 19",
    'avg(temp[7]) >= 24 and door == "open"',
    "rate(water[2m]) > 0.2",
    "rate(water[2m]) < 0.001",
    "increase(water[2m]) > 12",
    "count(temp[5] > 28) >= 2",
    "count(temp[4] < 20) > 3",
    "range(temp[50s]) == 0",
    "range(temp[3]) == 0",
    "range(temp[50s]) == 0 and avg(free[1m]) > 0.2",
    "abs(delta(temp[2])) > 9",
    "delta(water[2]) < 0",
    "delta(temp[1m]) > 9",
    "delta(temp[1m]) < (avg(free[40s]) - avg(temp[8])) * 3 / 4 + 2",
    "avg(temp[1m]) - avg(temp[3m]) > 2",
    "age() >= 3 * every",
    "age() > 45s",
    "age(temp) >= 1m and age() < 40s",
    "firing(hot) and free > 2",
    "not online",
    "free > 4 and median(temp[1m]) > 20",
    "temp > 30 and abs(anomaly(temp)) > 3",
    "free > 4 and anomaly(temp, 1h) > 2",
)
OTHERS = (
    "not lit",
    "free != 5",
    "count(free[2m] > 4) >= 4",
    "max(temp[1m]) > 33 or min(temp[1m]) < 12",
    "age() > 25s or temp > 33",
    "age() >= 20s and firing(hot)",
    'forced == "on"',
    'free > 4 and event == "forced"',
)
WIDE = "\n  - {alert: wide, per: site, match: {device: [a, b]}, when: devices(lit) >= 1}"
ACROSS = (
    "{when: age() >= 3 * every, unless: 'firing(down, gateway)'}",
    "{when: 'age() >= 30s', for: 5s, unless: 'firing(down, gateway)'}",
    "{when: 'temp > 28 and firing(hot, gateway)', for: 10s}",
    "{when: 'firing(down, gateway)', for: 15s}",
    "{when: not online, for: 20s, unless: 'firing(down, gateway)'}",
    "{sequence: [{when: lit}, {when: temp > 28, within: 30s}], until: temp < 25}",
    "{sequence: [{when: 'door == \"open\"'}, {not: temp > 28, within: 20s}], until: free > 4}",
    "{when: temp > 28, active: {times: '00:10-00:30', tz: UTC}}",
    "{per: site, match: {device: [a, b]}, when: 'devices(temp > 28) >= 2', for: 10s}",
    "{per: site, match: {device: b}, when: 'share(free > 4) > 0.4'}",
    "{match: {device: [c, d]}, when: 'temp - peers(temp, site) > 6'}",
    "{when: 'temp > 28 and devices(temp > 28) >= 2'}",
    "{when: age() >= 30s, unless: firing(wide)}" + WIDE,
)
MORE = ("", ", for: 25s", ", for: 10s, keep_firing_for: 30s", ", until: temp < 25")
KEYS = tuple(DeviceKey("s", name) for name in "abcd")


@st.composite
def rules(draw, most=5):
    """A rule file with at most so many conditions, and some about other devices."""
    text = CATALOGUE + "  - {alert: hot, when: temp > 32, for: 15s}\n  - {alert: down, when: not online}\n"
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=most))
    conditions += draw(st.sampled_from([[]] * 8 + [[other] for other in OTHERS]))
    for number, when in enumerate(conditions):
        text += f"  - {{alert: r{number}, params: {{low: 3}}, when: '{when}'{draw(st.sampled_from(MORE))}}}\n"
    for number, rule in enumerate(draw(st.lists(st.sampled_from(ACROSS), max_size=2, unique=True))):
        text += f"  - {{alert: a{number}, {rule[1:]}\n"
    return text


@st.composite
def streams(draw):
    """Readings of four devices in arrival order: long calm stretches, and whatever disturbs them."""
    chance = random.Random(draw(st.integers(0, 1 << 32)))
    messy = draw(st.sampled_from([0, 0.01, 0.01, 0.05, 0.3]))
    wild = draw(st.sampled_from([0, 0.02, 0.2]))
    water, found, now, lag = 0, [], 1_000_000, 0
    for number in range(draw(st.sampled_from([60, 200, 400]))):
        now += chance.choice([2_500, 2_500, 2_500, 2_600, 2_400])
        water += chance.choice([0, 0, 0, 0, 1])
        values = {"temp": chance.choice([20, 20, 21, 21.5]), "free": chance.choice([0, 1.5]), "water": water}
        values |= {"door": "shut", "lit": chance.random() < wild / 4, "limit": 50}
        if chance.random() < wild:
            values |= chance.choice(
                [{"temp": 34}, {"temp": 29.5}, {"temp": 10}, {"free": 9}, {"door": "open"}, {"water": 0}, {"limit": 20}]
            )
        kind, key, late, retained = Kind.TELEMETRY, KEYS[number % len(KEYS)], 0, False
        if chance.random() < messy:
            trouble, key = chance.randrange(9), chance.choice(KEYS)
            late = [0, 0, 12_000, 90_000][trouble % 4]
            now += 70_000 if trouble == 4 else 0
            lag += 30_000 if trouble == 5 else 0
            values |= [{}, {"temp": None}, {"temp": 99}, {"temp": "x"}, {}, {}, {"forced": "on"}, {}, {"free": True}][
                trouble
            ]
            kind = Kind.STATUS if trouble == 7 else Kind.EVENT if trouble == 3 else kind
            retained = trouble == 8
            if trouble == 1:
                values.pop("door")
        if kind is not Kind.TELEMETRY:
            values = {"online": chance.random() < 0.5} if kind is Kind.STATUS else {"event": "forced"}
        found.append(Reading(key, now - late, now, values, connected_ms=now - lag, kind=kind, retained=retained))
    return found


def compiled(text):
    rule_set, findings = parse_rules({"rules/test.yaml": text})
    assert [str(finding) for finding in findings if finding.level == "error"] == []
    return compile_rules(rule_set)


def known(some):
    memory = Memory()
    for key in KEYS[:some]:
        memory.register(DeviceFacts(key, {"site": "s", "device": key.device, "name": key.device, "gateway": "b"}))
    return memory


def told(evaluation):
    """Return everything that an evaluation says, in its order."""
    return (
        evaluation.transitions,
        list(evaluation.alerts.items()),
        list(evaluation.occurrences.items()),
        list(evaluation.last_true_ms.items()),
        dict(evaluation.rejected),
        dict(evaluation.late),
        evaluation.faults,
    )


def standing(memory):
    """Return what is remembered: snapshots, open alerts, and the small state of each device."""
    dumps = [memory.dump(slot) for slot in sorted({slot_of(device.key) for device in memory})]
    assert all(slot < SLOTS for slot in map(slot_of, [device.key for device in memory]))
    return dumps, [(device.key, device.open, device.group_dues, device.emitted.keys()) for device in memory]


def stored(readings):
    """Return the same batch as a backtest has it: in columns, for devices that say the same metrics throughout."""
    by_device = {}
    for key, (rows, some) in Batch(readings).by_device().items():
        regular = all(each.kind is Kind.TELEMETRY and not each.retained for each in some)
        if regular and len({tuple(each.values) for each in some}) == 1:
            names = ("at_ms", "received_ms", "connected_ms", "skewed")
            instants = Instants._make(np.array([getattr(each, name) for each in some], np.int64) for name in names)
            values = {name: [each.values[name] for each in some] for name in some[0].values}
            by_device[key] = Rows(rows, Track(key, instants, values))
        else:
            by_device[key] = Rows(rows, some)
    return Batch.of_devices(by_device)


@settings(max_examples=150)
@given(
    rules(), streams(), st.lists(st.integers(16, 200), min_size=1, max_size=12), st.integers(0, 4), st.integers(0, 3)
)
def test_readings_taken_together_and_one_by_one_come_to_the_same(text, stream, sizes, some, how):
    """Whatever the rules, the readings and the batches: results and memory are those of judging every reading."""
    program, other = compiled(text), compiled(text)
    drained, made = bool(how & 1), stored if how & 2 else Batch
    together, singly = known(some), known(some)
    while stream:
        batch, others, stream = made(stream[: sizes[0]]), Batch(stream[: sizes[0]]), stream[sizes[0] :]
        sizes = sizes[1:] + sizes[:1]
        now = Now(batch[len(batch) - 1].received_ms, batch[len(batch) - 1].connected_ms, drained=drained)
        if sizes[0] % 3 == 0:
            evaluate(program, batch, together, now).journal.drop()
        found = evaluate(program, batch, together, now)
        expected = evaluate(other, others, singly, now, singly=True)

        assert told(found) == told(expected)
        found.journal.apply()
        expected.journal.apply()
        assert standing(together) == standing(singly)
    later = Now(now.wall_ms + 600_000, now.connected_ms + 600_000)
    assert told(evaluate(program, Batch(), together, later)) == told(
        evaluate(other, Batch(), singly, later, singly=True)
    )


@settings(max_examples=100)
@given(
    rules(most=2),
    streams(),
    st.lists(st.integers(16, 32), min_size=1, max_size=4),
    st.integers(0, 4),
    st.integers(0, 3),
)
def test_what_calm_devices_say_waits_in_flocks_and_nobody_can_tell(text, stream, sizes, some, how):
    """What devices say a little at a time goes to memory much later: results and memory are those of judging it all."""
    program, other = compiled(text), compiled(text)
    together, singly = known(some), known(some)
    batches = 0
    while stream:
        batch, stream, sizes = Batch(stream[: sizes[0]]), stream[sizes[0] :], sizes[1:] + sizes[:1]
        now = Now(batch[len(batch) - 1].received_ms, batch[len(batch) - 1].connected_ms, drained=bool(how & 1))
        batches += 1
        if batches % 5 == 0:
            evaluate(program, batch, together, now).journal.drop()
        found = evaluate(program, batch, together, now)
        expected = evaluate(other, batch, singly, now, singly=True)

        assert told(found) == told(expected)
        if how & 2 and batches % 3 == 0:
            assert standing(together) == standing(singly)  # an evaluation may be looked at before it is kept
        found.journal.apply()
        expected.journal.apply()
    assert standing(together) == standing(singly)
    later = Now(now.wall_ms + 600_000, now.connected_ms + 600_000)
    assert told(evaluate(program, Batch(), together, later)) == told(
        evaluate(other, Batch(), singly, later, singly=True)
    )


def flow(evaluations):
    """Return transitions instance by instance, and what was counted, of evaluations one after the other."""
    turned, counted, newest = {}, Counter(), {}
    for found in evaluations:
        for each in found.transitions:
            turned.setdefault(each.alert.key, []).append(each)
        counted.update(found.occurrences)
        newest.update(found.last_true_ms)
    return turned, counted, newest


def passing(program, memory, batches, **how):
    """Yield evaluations of batches, each applied."""
    for batch, now in batches:
        found = evaluate(program, batch, memory, now, **how)
        found.journal.apply()
        yield found


@settings(max_examples=100)
@given(rules(), streams(), st.lists(st.sampled_from([1, 7, 40, 200, 400]), min_size=1, max_size=3), st.integers(0, 4))
def test_punctual_readings_in_batches_come_to_what_they_do_with_the_time_in_between(text, stream, sizes, some):
    """Where nothing is late, batches of any size give what each reading alone does, with timers before each."""
    stream = [replace(each, received_ms=each.at_ms, connected_ms=each.at_ms) for each in stream]
    stream.sort(key=lambda each: each.at_ms)
    end = Now(stream[-1].at_ms + 600_000, stream[-1].at_ms + 600_000)
    single = [
        pair
        for each in stream
        for pair in (
            (Batch(), Now(each.at_ms, each.at_ms - 1)),
            (Batch([each]), Now(each.at_ms, each.at_ms, drained=False)),
        )
    ]
    batches = []
    while stream:
        part, stream = stream[: sizes[0]], stream[sizes[0] :]
        sizes = sizes[1:] + sizes[:1]
        batches.append((stored(part), Now(part[-1].at_ms, part[-1].at_ms - 1)))
    together, alone = known(some), known(some)

    found = flow(passing(compiled(text), together, [*batches, (Batch(), end)], punctual=True))
    expected = flow(passing(compiled(text), alone, [*single, (Batch(), end)]))

    assert found == expected
