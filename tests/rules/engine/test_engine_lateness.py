"""A rule with a lateness is judged as if what comes late, but not later than that, had come in order."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.rules.authoring.replay import replay
from iotops.rules.compile import compile_rules
from iotops.rules.delay import HELD
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import Now, evaluate
from iotops.rules.memory import Memory, slot_of
from iotops.rules.reload import reload
from iotops.rules.rulefile import parse_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind, Reading

CATALOGUE = """
metrics:
  temp: {kind: gauge, every: 10s, valid: [-60, 80]}
  door: {kind: state, every: 10s}
"""
CONDITIONS = (
    "when: temp > 30",
    "when: {warning: temp > 30, critical: temp > 40}\n    for: {warning: 35s, critical: 12s}\n    until: temp < 25",
    'when: "avg(temp[30s]) > 30"',
    'when: "count(temp[4] > 30) >= 2"\n    for: 15s',
    "when: abs(delta(temp[2])) > 10\n    keep_firing_for: 25s",
    'when: "increase(free[1m]) > 20"',
    "when: age() >= 45s",
    "when: 'door == \"open\"'\n    for: 20s\n    stale: 40s",
    "when: not online",
    "when: 'event == \"forced\"'",
    """sequence: [{when: 'door == "open"'}, {when: temp > 30, within: 30s}, {not: temp > 40, within: 20s}]
    until: temp < 25""",
)
KEY = DeviceKey("s", "a")
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "temp": st.sampled_from([20, 24.5, 31, 33.3, 41, 44.4, 99, None]),
        "door": st.sampled_from(["open", "shut", None]),
        "free": st.integers(0, 30),
    },
)


@st.composite
def rule_texts(draw):
    """One to three rules with one lateness of at least 30s, some of which ask for one before them."""
    lateness = draw(st.sampled_from(["30s", "31s", "1m", "5m"]))
    chosen = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3))
    found = []
    for number, condition in enumerate(chosen):
        asked = ["", f"\n    unless: firing(r{number - 1})"] if number else [""]
        text = f"  - alert: r{number}\n    lateness: {lateness}\n    {condition}{draw(st.sampled_from(asked))}\n"
        found.append(text)
    return CATALOGUE + "rules:\n" + "".join(found)


@st.composite
def streams(draw, sizes=(1, 30)):
    """What one device sends, each at an instant of its own, and by how much each is held up on the way."""
    now, found = 100_000, []
    for _ in range(draw(st.integers(*sizes))):
        now += draw(st.sampled_from([1_000, 5_000, 10_000, 10_000, 30_000, 60_000]))
        kind = draw(st.sampled_from([Kind.TELEMETRY] * 8 + [Kind.EVENT, Kind.STATUS]))
        values = draw(VALUES) if kind is Kind.TELEMETRY else {"event": "forced"}
        if kind is Kind.STATUS:
            values = {"online": draw(st.booleans())}
        held = draw(st.sampled_from([0, 1, 5_000, 17_000, 29_999, 30_000])) if kind is not Kind.STATUS else 0
        found.append((held, Reading(KEY, now, now, values, connected_ms=now, kind=kind)))
    return found


def program_of(text):
    rule_set, findings = parse_rules({"rules/test.yaml": text})
    assert [str(each) for each in findings if each.level == "error"] == []
    return compile_rules(rule_set)


def fresh():
    memory = Memory()
    memory.register(
        DeviceFacts(
            KEY, {"site": "s", "device": "a", "name": "a"}, registered_ms=100_000, registered_connected_ms=100_000
        )
    )
    return memory


def arrived(stream):
    """Return the readings in the order in which they came in, each as late as it was held up."""
    moved = [replace(each, received_ms=each.at_ms + held, connected_ms=each.at_ms + held) for held, each in stream]
    return sorted(moved, key=lambda each: each.connected_ms)


def log(transitions, until_ms):
    """Return what happened up to an instant, with all that an alert carries but the counts."""
    return [
        (each.alert.key, each.change, each.at_ms, each.reason, each.alert.id, each.alert.severity, each.alert.fired_ms,
         each.alert.data_known, each.alert.suppressed_by, repr(each.alert.evidence))
        for each in sorted(transitions, key=lambda each: (each.at_ms, each.alert.key))
        if each.at_ms <= until_ms
    ]  # fmt: skip


@settings(max_examples=60)
@given(text=rule_texts(), stream=streams())
def test_disorder_within_the_lateness_changes_nothing(text, stream):
    """Shuffled by up to 30s, a stream gives the timeline that it gives in order."""
    program, last_ms = program_of(text), stream[-1][1].at_ms
    end_ms = last_ms + 400_000

    in_order = replay(program, [each for _, each in stream], fresh(), until_connected_ms=last_ms + 1_000_000)
    shuffled = replay(program, arrived(stream), fresh(), until_connected_ms=last_ms + 1_000_000)

    assert log(shuffled, end_ms) == log(in_order, end_ms)


@settings(max_examples=40)
@given(text=rule_texts(), stream=streams())
def test_in_order_a_lateness_only_delays(text, stream):
    """What comes in order is judged as without a lateness: at the same event times, only later on the clock."""
    last_ms = stream[-1][1].at_ms
    hasty = "\n".join(line for line in text.splitlines() if "lateness" not in line)
    readings = [each for _, each in stream]

    waited = replay(program_of(text), readings, fresh(), until_connected_ms=last_ms + 1_000_000)
    at_once = replay(program_of(hasty), readings, fresh(), until_connected_ms=last_ms + 1_000_000)

    def told(found):
        return [entry[:4] + entry[5:9] for entry in log(found, last_ms + 400_000)]

    assert told(waited) == told(at_once)


def several(text):
    """The same rules, and two that wait less, or not at all, and ask for them, or are asked by them."""
    return compile_rules(
        parse_rules(
            {
                "rules/test.yaml": text
                + "  - {alert: at_once, when: 'temp > 30', for: 5s, unless: firing(r0)}\n"
                + "  - {alert: soon, when: firing(r0) or temp > 40, lateness: 7s, unless: firing(at_once)}\n"
            }
        )[0]
    )


def run(batches, memory, program):
    found = []
    for batch, now in batches:
        evaluation = evaluate(program, Batch(batch), memory, now)
        assert evaluation.faults == ()
        found += evaluation.transitions
        evaluation.journal.apply()
    return found


def undrained(batch):
    return batch, Now(0, 0, drained=False)


def tick(connected_ms):
    return [], Now(connected_ms, connected_ms)


@settings(max_examples=40)
@given(text=rule_texts(), stream=streams(), data=st.data())
def test_however_late_arrivals_are_split_into_batches_the_transitions_are_the_same(text, stream, data):
    """A batch is a matter of transactions, also where rules of one device wait for different times."""
    program, readings = several(text), arrived(stream)
    end = tick(readings[-1].connected_ms + 400_000)
    batches, left = [], readings[:]
    while left:
        size = data.draw(st.integers(1, len(left)))
        batches.append(undrained(left[:size]))
        left = left[size:]

    whole = run([undrained(readings), end], fresh(), program)

    assert log(whole, 10**9) == log(run([*batches, end], fresh(), program), 10**9)


@settings(max_examples=40)
@given(text=rule_texts(), stream=streams(), data=st.data())
def test_a_restart_judges_nothing_again_that_waited(text, stream, data):
    """Snapshot, tail with its ticks, and rows bring back what waits, and what was let in already."""
    program, readings = several(text), arrived(stream)
    end = tick(readings[-1].connected_ms + 400_000)
    expected, found, undisturbed, memory = [], [], fresh(), fresh()
    snapshot, tail = {}, []
    for each in readings:
        steps = [tick(each.connected_ms - 1), undrained([each])]
        expected += run(steps, undisturbed, program)
        found += run(steps, memory, program)
        tail += steps
        if data.draw(st.booleans(), label="snapshot"):
            snapshot, tail = {slot_of(KEY): memory.dump(slot_of(KEY))}, []
        if data.draw(st.sampled_from([False, False, True]), label="restart"):
            alerts, attempts = memory.open_alerts(), memory.attempts()
            memory = fresh()
            for slot, dumped in snapshot.items():
                memory.load(slot, dumped)
            for batch, now in tail:
                memory.remember(program, Batch(batch), now)
            memory.restore_alerts(alerts)
            memory.restore_attempts(attempts)
    expected += run([end], undisturbed, program)
    found += run([end], memory, program)

    assert log(found, 10**9) == log(expected, 10**9)


def test_what_waits_behind_a_status_is_not_known_sooner_after_a_restart():
    """A status that came first stands ahead of a sample from before it, which waits for its view all the same."""
    program = several(CATALOGUE + "rules:\n  - {alert: r0, lateness: 30s, when: temp > 30}\n")
    status = Reading(KEY, 102_000, 102_000, {"online": True}, connected_ms=102_000, kind=Kind.STATUS)
    sample = Reading(KEY, 101_000, 118_000, {"temp": 41}, connected_ms=118_000)
    steps = [undrained([status]), tick(117_999), undrained([sample])]
    undisturbed, memory, again = fresh(), fresh(), fresh()
    run(steps, undisturbed, program)
    run(steps, memory, program)

    again.load(slot_of(KEY), memory.dump(slot_of(KEY)))
    again.restore_alerts(memory.open_alerts())
    expected, found = (run([tick(518_000)], each, program) for each in (undisturbed, again))

    assert ("soon", "suppressed", 101_000) in [(each.alert.key.rule, each.change, each.at_ms) for each in expected]
    assert log(found, 10**9) == log(expected, 10**9)


@settings(max_examples=40)
@given(text=rule_texts(), before=streams((0, 20)), batch=streams((1, 10)), ahead=st.integers(0, 300_000))
def test_a_dropped_evaluation_puts_back_what_waited(text, before, batch, ahead):
    """Memory is exactly as before, and the same evaluation again finds the same."""
    program, memory, untouched = several(text), fresh(), fresh()
    start = before[-1][1].connected_ms - 100_000 if before else 0
    later = [shifted(each, start) for each in arrived(batch)]
    for each in (memory, untouched):
        run([undrained(arrived(before))], each, program)
    now = Now(0, later[-1].connected_ms + ahead)
    dumped, slot = memory.dump(slot_of(KEY)), slot_of(KEY)

    first = evaluate(program, Batch(later), memory, now)
    first.journal.drop()

    assert memory.dump(slot) == dumped
    again = evaluate(program, Batch(later), memory, now)
    other = evaluate(program, Batch(later), untouched, now)
    assert log(other.transitions, 10**9) == log(again.transitions, 10**9) == log(first.transitions, 10**9)
    assert other.alerts == again.alerts == first.alerts
    assert other.delayed == again.delayed == first.delayed
    again.journal.apply()
    other.journal.apply()
    assert memory.dump(slot) == untouched.dump(slot)


def shifted(reading, by_ms):
    """Return the reading as if everything had happened later."""
    times = {name: getattr(reading, name) + by_ms for name in ("at_ms", "received_ms", "connected_ms")}
    return replace(reading, **times)


def at(seconds, received=None, **values):
    """Return a reading of an instant, received then or later."""
    at_ms = 1_000_000 + seconds * 1_000
    received_ms = at_ms if received is None else 1_000_000 + received * 1_000
    return Reading(KEY, at_ms, received_ms, values, connected_ms=received_ms)


HOT = "rules:\n  - {alert: hot, when: temp > 30, for: 60s, LATENESS stale: 10m}\n"


def told(transitions):
    return [(each.change.value, each.at_ms // 1_000 - 1_000) for each in transitions]


@pytest.mark.parametrize(
    ("lateness", "late", "expected"),
    [
        pytest.param("", 30, [("pending", 0), ("fired", 60), ("contradicted", 70)], id="at once, cold within the hold"),
        pytest.param("", 60, [("pending", 0), ("fired", 60), ("contradicted", 70)], id="at once, cold when it fired"),
        pytest.param("", -5, [("pending", 0), ("fired", 60)], id="at once, cold before it began"),
        pytest.param("", 65, [("pending", 0), ("fired", 60)], id="at once, cold after it fired"),
        pytest.param(
            "lateness: 5s,", 30, [("pending", 0), ("fired", 60), ("contradicted", 70)], id="later than it waits"
        ),
        pytest.param(
            "lateness: 1m,", 30, [("pending", 0), ("ended", 30), ("pending", 50), ("fired", 110)], id="in time"
        ),
    ],
)
def test_a_sample_later_than_the_lateness_turns_nothing_back_and_is_noted_where_it_contradicts(
    lateness, late, expected
):
    """It stands in the windows from then on; an open alert that it speaks against says so, once."""
    program = program_of(HOT.replace("LATENESS", lateness))
    memory = fresh()
    stream = [at(0, temp=35), at(50, temp=36), at(70, temp=37), at(late, 80, temp=10), at(late, 81, temp=11)]

    found = replay(program, stream, memory, until_connected_ms=1_000_000 + 300_000)

    assert told(found) == expected
    doubts = [each.alert.evidence["late"] for each in found if each.change == "contradicted"]
    assert all(doubt["at_ms"] == 1_000_000 + late * 1_000 and doubt["values"] == {"temp": 10} for doubt in doubts)


def test_what_is_later_than_the_lateness_is_counted_and_counts_from_then_on():
    """Each lateness has its own counts; the sample is in the windows of what is judged next."""
    program = program_of(
        "rules:\n"
        "  - {alert: at_once, when: 'max(temp[1m]) > 30'}\n"
        "  - {alert: waits, when: 'max(temp[1m]) > 30', lateness: 10s}\n"
    )
    memory = fresh()
    replay(program, [at(0, temp=1), at(60, temp=1), at(120, temp=1)], memory)

    late = evaluate(program, Batch([at(115, 121, temp=40), at(100, 122, temp=41)]), memory, Now(0, 0, drained=False))
    late.journal.apply()
    after = replay(program, [at(130, temp=1), at(145, temp=1)], memory)

    assert (late.transitions, late.late, late.delayed[10_000].late) == ((), {"temp": 2}, {"temp": 1})
    assert late.late_count == 3
    assert [(each.alert.key.rule, *told([each])[0]) for each in after] == [
        ("waits", "fired", 115),
        ("at_once", "fired", 130),
    ]


def test_no_more_than_so_many_readings_wait():
    """Where too many come within the lateness, the oldest are judged before their time, and counted."""
    program = program_of("rules:\n  - {alert: hot, when: temp > 30, lateness: 1d}\n")
    memory = fresh()
    stream = [at(second, temp=40 if second == 3 else 1) for second in range(HELD + 10)]

    evaluation = evaluate(program, Batch(stream), memory, Now(0, 0, drained=False))

    assert told(evaluation.transitions) == [("fired", 3), ("resolved", 4)]
    assert evaluation.delayed[86_400_000].early == 10
    evaluation.journal.drop()
    assert [device.delayed[86_400_000].held for device in memory] == [[]]


def test_another_lateness_is_another_meaning_and_what_waited_goes_on():
    """A reload judges what is open at once; samples that waited under the old rule wait under the new."""
    before, after = (program_of(HOT.replace("LATENESS", f"lateness: {each},")) for each in ("2m", "90s"))
    memory = fresh()
    found = replay(before, [at(0, temp=35), at(200, temp=36), at(215, temp=20)], memory)

    evaluation = reload(after, memory)
    evaluation.journal.apply()
    later = replay(after, [], memory, until_connected_ms=2_000_000)

    assert told(found) == [("pending", 0), ("fired", 60)]
    assert [*told(evaluation.transitions), *told(later)] == [("resolved", 215)]
