"""What must hold whatever comes: batches and restarts do not matter, a failed transaction leaves no trace."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.rules.alert import AlertState
from iotops.rules.authoring.rehearse import restarted
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import SLOTS, Memory, slot_of
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

RULES = """
metrics:
  temp: {kind: gauge, every: 10s, valid: [-60, 80]}
  door: {kind: state, every: 10s}
rules:
  - alert: hot
    when: {warning: temp > 30, critical: temp > 40}
    for: {warning: 35s, critical: 12s}
    until: temp < 25
    keep_firing_for: 25s
  - {alert: average, when: "avg(temp[30s]) > 30"}
  - {alert: often, when: "count(temp[4] > 30) >= 2", for: 15s}
  - {alert: leap, when: abs(delta(temp[2])) > 10}
  - {alert: risen, when: "increase(free[1m]) > 20"}
  - {alert: silent, when: age() >= 45s}
  - {alert: open, when: 'door == "open"', for: 20s, unless: firing(hot)}
  - {alert: down, when: not online}
  - {alert: both, when: firing(hot) and firing(average)}
  - {alert: forced, when: 'event == "forced"'}
  - alert: left_open
    sequence:
      - when: door == "open"
      - {when: temp > 30, within: 30s}
      - {not: 'door == "shut" or firing(silent)', within: 20s}
    until: temp < 25
  - alert: forced_then_cold
    sequence: [{when: 'event == "forced"'}, {when: temp < 25}]
    until: 'door == "shut"'
    for: 5s
  - {alert: odd, when: abs(anomaly(free)) > 3 or abs(anomaly(temp, 1m)) > 3}
  - {alert: hot_at_times, when: temp > 30, for: 15s, active: {times: ["00:00-00:01", "00:02-00:03"]}}
"""
PROGRAM = compile_rules(parse_rules({"rules/test.yaml": RULES})[0])
ACROSS = compile_rules(
    parse_rules(
        {
            "rules/test.yaml": RULES
            + """
  - {alert: cut_off, when: age() >= 30s, unless: 'firing(down, gateway)', for: 5s}
  - {alert: warm_behind, when: 'temp > 30 and firing(hot, gateway)', for: 10s}
  - alert: gateway_then_warm
    sequence:
      - when: firing(down, gateway)
      - {when: temp > 30, within: 1m}
      - {not: 'firing(down, gateway)', within: 10s}
    until: temp < 25
  - {alert: chain, when: 'firing(cut_off) or firing(warm_behind)'}
  - {alert: mixed, when: 'firing(hot) and not firing(down, gateway)'}
  - alert: site_hot
    per: site
    when: {warning: devices(temp > 30) >= 1, critical: share(temp > 30) >= 0.6}
    for: {warning: 25s, critical: 5s}
    until: {warning: devices(temp > 25) < 1, critical: share(temp > 30) < 0.5}
    keep_firing_for: 15s
    summary: ${devices(temp > 30)} of ${site}, ${share(temp > 30):.2f}
  - {alert: fleet_warm, per: fleet, when: "devices(avg(temp[30s]) > 30) >= 2", stale: 1m}
  - {alert: zone_silent, per: [site, zone], when: "devices(age() >= 45s) >= 1", for: 10s}
  - {alert: forced_in_zone, per: zone, when: "devices(event == 'forced') >= 1"}
  - {alert: drift, when: "abs(temp - peers(temp, site)) > 8", for: 12s}
  - {alert: alone, when: "temp > 30 and share(temp > 30) < 0.6", unless: firing(site_hot)}
  - {alert: some_hot, per: site, when: "devices(firing(hot)) >= 1", unless: firing(fleet_warm), for: 5s}
  - {alert: behind, per: [site, gateway], when: "devices(temp > 30) >= 1", unless: 'firing(down, gateway)'}
  - {alert: chained, when: 'firing(hot) and not firing(site_hot)'}
  - alert: opened_then_hot
    per: site
    sequence:
      - when: devices(door == "open") >= 1
      - {when: devices(temp > 30) >= 1, within: 90s}
      - {not: 'share(temp > 40) > 0.5 or firing(fleet_warm)', within: 20s}
    until: devices(temp > 25) < 1
    for: 5s
  - alert: forced_twice
    per: fleet
    sequence:
      - when: devices(event == 'forced') >= 1
      - {when: "devices(event == 'forced') >= 1 or devices(temp > 40) >= 2", within: 1m}
    until: devices(door == "shut") >= 1
  - alert: silent_after
    per: [site, zone]
    sequence: [{when: devices(temp > 30) >= 1}, {not: devices(age() < 20s) >= 1, within: 30s}]
    until: devices(age() >= 45s) < 1
    keep_firing_for: 10s
"""
        }
    )[0]
)
KEYS = (DeviceKey("s", "a"), DeviceKey("s", "b"), DeviceKey("t", "a"), DeviceKey("s", "c"))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "temp": st.sampled_from([20, 24.5, 27, 31, 33.3, 41, 44.4, 99, None]),
        "door": st.sampled_from(["open", "shut", None]),
        "free": st.integers(0, 30),
    },
)


@st.composite
def readings(draw, sizes=(0, 40), disorder=True):
    """Readings of three devices in arrival order, mostly in time, some late; connected time runs with the wall."""
    now, found = 0, []
    for _ in range(draw(st.integers(*sizes))):
        now += draw(st.sampled_from([1_000, 5_000, 10_000, 10_000, 60_000]))
        key = draw(st.sampled_from(KEYS))
        kind = draw(st.sampled_from([Kind.TELEMETRY] * 8 + [Kind.EVENT, Kind.STATUS]))
        values = draw(VALUES) if kind is Kind.TELEMETRY else {"event": "forced"}
        if kind is Kind.STATUS:
            values = {"online": draw(st.booleans())}
        late = draw(st.sampled_from([0] * 9 + [20_000])) if disorder and kind is not Kind.STATUS else 0
        found.append(Reading(key, now - late, now, values, connected_ms=now, kind=kind))
    return found


def fresh():
    memory = Memory()
    for key in KEYS:
        labels = {"site": key.site, "device": key.device, "name": key.device, "gateway": "b", "zone": key.device[:1]}
        memory.register(DeviceFacts(key, labels))
    return memory


def log(transitions):
    """Return what happened to each instance, in order, with all that an alert carries but the counts."""
    found = {}
    for each in transitions:
        alert = each.alert
        entry = (each.change, each.at_ms, each.reason, alert.id, alert.state, alert.severity, alert.fired_ms)
        found.setdefault(alert.key, []).append((*entry, alert.data_known, alert.summary, repr(alert.evidence)))
    return found


def run(batches, memory, program=PROGRAM):
    found = []
    for batch, now in batches:
        evaluation = evaluate(program, Batch(batch), memory, now)
        assert evaluation.faults == ()
        found += evaluation.transitions
        evaluation.journal.apply()
    return found


def shifted(reading, by_ms):
    """Return the reading as if everything had happened later."""
    times = {name: getattr(reading, name) + by_ms for name in ("at_ms", "received_ms", "connected_ms")}
    return replace(reading, **times)


def standing(device):
    """Return copies of a device's alerts, timers and counts."""
    return dict(device.open), dict(device.dues), dict(device.group_dues), dict(device.attempts)


def groups_of(memory):
    """Return what the groups hold, in no particular order."""
    return {
        group.group_key: (
            dict(group.tally.answers),
            [group.tally.counts(place) for place in range(len(group.survey.polls))],
            group.clock,
            dict(group.open),
            dict(group.attempts),
            group.due,
            group.soonest(),
            set(group.live),
            dict(group.sites),
        )
        for group in memory.groups
    }


def undrained(batch):
    return batch, Now(0, 0, drained=False)


def tick(connected_ms):
    return [], Now(connected_ms, connected_ms)


@given(arrived=readings(), data=st.data())
def test_however_arrivals_are_split_into_batches_the_transitions_are_the_same(arrived, data):
    """A batch is a matter of transactions, not of meaning; so is a tick while nothing is under way."""
    end = tick(arrived[-1].connected_ms + 200_000) if arrived else tick(200_000)
    batches, left = [], arrived[:]
    while left:
        size = data.draw(st.integers(1, len(left)))
        batches.append(undrained(left[:size]))
        left = left[size:]
        late = any(each.at_ms != each.received_ms for each in arrived)
        if left and not late and data.draw(st.booleans()):
            batches.append(tick(left[0].connected_ms - 1))

    whole = run([undrained(arrived), end], fresh())

    assert log(whole) == log(run([*batches, end], fresh()))


@given(arrived=readings(), data=st.data())
def test_rules_across_devices_do_not_care_how_arrivals_are_split_either(arrived, data):
    """What other devices said is seen as it stood when a reading arrived, whichever readings share its batch."""
    end = tick(arrived[-1].connected_ms + 200_000) if arrived else tick(200_000)
    batches, left = [], arrived[:]
    while left:
        size = data.draw(st.integers(1, len(left)))
        batches.append(undrained(left[:size]))
        left = left[size:]

    whole = run([undrained(arrived), end], fresh(), ACROSS)

    assert log(whole) == log(run([*batches, end], fresh(), ACROSS))


@given(arrived=readings(), data=st.data())
def test_restarts_change_nothing(arrived, data):
    """Snapshot, tail and rows bring back exactly what was."""
    end = tick(arrived[-1].connected_ms + 200_000) if arrived else tick(200_000)
    memory, found, snapshot, tail = fresh(), [], {}, []

    for each in arrived:
        found += run([undrained([each])], memory)
        tail.append(each)
        if data.draw(st.booleans(), label="snapshot"):
            snapshot, tail = {slot: memory.dump(slot) for slot in map(slot_of, KEYS)}, []
        if data.draw(st.sampled_from([False, False, True]), label="restart"):
            alerts = [alert for device in memory for alert in device.open.values()]
            attempts = memory.attempts()
            memory = fresh()
            for slot, dumped in snapshot.items():
                memory.load(slot, dumped)
            memory.remember(PROGRAM, Batch(tail))
            memory.restore_alerts(alerts)
            memory.restore_attempts(attempts)
    found += run([end], memory)

    assert log(run([*map(undrained, [[each] for each in arrived]), end], fresh())) == log(found)


def test_a_late_sample_before_a_null_puts_off_what_was_to_lapse_with_and_without_a_restart():
    """It counts when the rule is judged next, which is not when the sample before it would have become stale."""
    said = [(3, 3, None), (63, 63, 31), (68, 68, None), (65, 85, 20)]
    arrived = [Reading(KEYS[2], at * 1000, now * 1000, {"temp": it}, connected_ms=now * 1000) for at, now, it in said]
    undisturbed, memory, again = fresh(), fresh(), fresh()
    for each in (undisturbed, memory):
        run([undrained([reading]) for reading in arrived], each)

    again.load(slot_of(KEYS[2]), memory.dump(slot_of(KEYS[2])))
    again.restore_alerts(memory.open_alerts())
    expected, found = (run([tick(300_000)], each) for each in (undisturbed, again))

    averages = [(each.change, each.at_ms) for each in expected if each.alert.key.rule == "average"]
    assert averages == [("unknown", 95_000)]
    assert log(found) == log(expected)


@pytest.mark.parametrize("across", [False, True])
@given(before=readings(), batch=readings((1, 20)), ahead=st.integers(0, 300_000))
def test_a_dropped_evaluation_leaves_no_trace(across, before, batch, ahead):
    """Memory is exactly as before, and the same evaluation again finds the same."""
    program = ACROSS if across else PROGRAM
    start = before[-1].connected_ms if before else 0
    later = [shifted(each, start) for each in batch]
    memory, untouched = fresh(), fresh()
    for each in (memory, untouched):
        run([undrained(before)], each, program)
    now = Now(0, later[-1].connected_ms + ahead)
    dumps = [memory.dump(slot) for slot in map(slot_of, KEYS)]
    states = [standing(device) for device in memory]
    groups = groups_of(memory)

    first = evaluate(program, Batch(later), memory, now)
    first.journal.drop()

    assert dumps == [memory.dump(slot) for slot in map(slot_of, KEYS)]
    assert states == [standing(device) for device in memory]
    assert groups_of(memory) == groups
    again = evaluate(program, Batch(later), memory, now)
    other = evaluate(program, Batch(later), untouched, now)
    assert log(other.transitions) == log(again.transitions) == log(first.transitions)
    assert other.alerts == again.alerts == first.alerts
    assert other.attempts == again.attempts == first.attempts
    assert other.occurrences == again.occurrences == first.occurrences


@given(arrived=readings(disorder=False), data=st.data())
def test_restarts_change_nothing_across_devices(arrived, data):
    """On a live line, rules that ask for other devices go on, too, as if nothing had been."""
    end = tick(arrived[-1].connected_ms + 200_000) if arrived else tick(200_000)
    memory, found, undisturbed = fresh(), [], fresh()

    expected = []
    for each in arrived:
        live = [tick(each.connected_ms - 1), undrained([each])]
        expected += run(live, undisturbed, ACROSS)
        found += run(live, memory, ACROSS)
        if data.draw(st.sampled_from([False, False, True]), label="restart"):
            memory = restarted(memory)
    expected += run([end], undisturbed, ACROSS)
    found += run([end], memory, ACROSS)

    assert log(expected) == log(found)


@pytest.mark.parametrize(
    "said",
    [
        [(60, "s/b", {"temp": 24.5}), (65, "s/b", False), (75, "s/c", {"temp": 41}), (135, "t/a", {"free": 2})],
        [
            (10, "s/b", {"temp": 41}), (15, "s/a", {"temp": 44.4}), (20, "s/c", {"temp": 27}),
            (80, "t/a", {"temp": 20}), (85, "t/a", {"free": 3}),
        ],
        [(60, "s/a", {"temp": 41}), (70, "t/a", {"free": 22}), (80, "t/a", False), (90, "s/b", False)],
        [(1, "s/b", {"free": 16}), (32, "s/a", False), (45, "s/a", False)],
    ],
    ids=["what time ended stays ended", "what lapsed stays so", "what lapses now still does", "what begins now does"],
)  # fmt: skip
def test_what_timers_did_to_a_group_stays_done_over_a_restart(said):
    """Groups come back as timers had left them, not as the last readings had."""
    memory, undisturbed, found, expected = fresh(), fresh(), [], []
    for at_s, name, values in said:
        at_ms, status = at_s * 1_000, isinstance(values, bool)
        kind = Kind.STATUS if status else Kind.TELEMETRY
        each = Reading(
            DeviceKey(*name.split("/")),
            at_ms,
            at_ms,
            {"online": values} if status else values,
            connected_ms=at_ms,
            kind=kind,
        )
        expected += run([tick(at_ms - 1), undrained([each])], undisturbed, ACROSS)
        found += run([tick(at_ms - 1), undrained([each])], memory, ACROSS)
    expected += run([tick(400_000)], undisturbed, ACROSS)
    found += run([tick(400_000)], restarted(memory), ACROSS)

    assert log(expected) == log(found)


@given(arrived=readings())
def test_devices_do_not_touch_each_other(arrived):
    """One device's transitions are the same whether others report or not."""
    end = tick(10**9)

    together = log(run([undrained(arrived), end], fresh()))

    for key in KEYS:
        alone = log(run([undrained([each for each in arrived if each.key == key]), end], fresh()))
        assert {instance: log for instance, log in alone.items() if instance.instance == str(key)} == {
            instance: log for instance, log in together.items() if instance.instance == str(key)
        }


@given(arrived=readings())
def test_repeated_readings_change_nothing(arrived):
    """Duplicates are dropped upstream; one that slips through still means nothing."""
    end = tick(10**9)
    doubled = [each for each in arrived for _ in range(2)]

    assert log(run([undrained(arrived), end], fresh())) == log(run([undrained(doubled), end], fresh()))


@given(arrived=readings())
def test_every_episode_is_whole(arrived):
    """Each alert fires at most once, resolves at most once and last, under one id; rows are the last word."""
    memory = fresh()
    evaluation = evaluate(PROGRAM, Batch(arrived), memory, Now(0, 10**9))
    episodes = {}
    for each in evaluation.transitions:
        episodes.setdefault(each.alert.id, []).append(each)

    for steps in episodes.values():
        changes = Counter(each.change for each in steps)
        assert changes["fired"] <= 1
        assert changes["resolved"] + changes["ended"] <= 1
        assert [each.at_ms for each in steps] == sorted(each.at_ms for each in steps)
        if changes["resolved"]:
            assert steps[-1].change == "resolved"
        assert len({each.alert.fired_ms for each in steps if each.alert.fired_ms is not None}) <= 1
    open_alerts = {alert.key: alert for device in memory for alert in device.open.values()}
    kept = {key: alert for key, alert in evaluation.alerts.items() if alert is not None}
    assert kept == open_alerts
    assert AlertState.RESOLVED not in {alert.state for alert in open_alerts.values()}


@settings(max_examples=20)
@given(arrived=readings())
def test_a_snapshot_of_a_snapshot_is_the_same(arrived):
    """Nothing is lost on the way through bytes."""
    memory = fresh()
    run([undrained(arrived)], memory)

    again = restarted(memory)

    assert [memory.dump(slot) for slot in map(slot_of, KEYS)] == [again.dump(slot) for slot in map(slot_of, KEYS)]


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\x02\x90", b"\x92\x01\x91\x90"])
def test_a_damaged_snapshot_says_so(data):
    """A snapshot that cannot be read is refused by name; whoever loads it judges the stored telemetry again."""
    with pytest.raises(ValueError, match=r"snapshot of slot 7: (.*; it is damaged|version 2, this program reads 1)$"):
        Memory().load(7, data)


def test_slots_are_stable():
    """The slot of a device is the same on every machine and in every version."""
    assert [slot_of(key) for key in KEYS] == [146, 402, 589, 79]
    assert SLOTS == 1_024
