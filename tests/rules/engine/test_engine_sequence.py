"""Sequences: one step after the other, each in its time; what does not happen counts at the end of its time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.sequence import CompiledSequence, CompiledStep

PUMP = """
  - alert: dry
    sequence:
      - when: door == "closed"
      - {when: temp > 4, within: 2m}
      - {not: free > 1, within: 1m}
    until: temp < 1
"""


def raised(changes):
    """Leave out that data stopped."""
    return [change for change in changes if "unknown" not in change]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"door": {"0s": "closed"}, "temp": {"0s": 0, "1m": 5}, "free": "0x4"}, ["2m fired warning"]),
        ({"door": {"0s": "closed"}, "temp": {"0s": 5}, "free": "0x4"}, ["1m fired warning"]),
        ({"door": {"0s": "closed"}, "temp": {"0s": 0, "2m": 5}, "free": "0x5"}, ["3m fired warning"]),
        ({"door": {"0s": "closed"}, "temp": {"0s": 0, "121s": 5}, "free": "0x5"}, []),
        ({"door": {"0s": "closed"}, "temp": {"0s": 5}, "free": {"0s": 0, "30s": 2, "40s": 0, "3m": 0}}, []),
        ({"door": {"0s": "closed"}, "temp": {"0s": 5}, "free": {"0s": 0, "1m": 2, "3m": 0}}, []),
        ({"door": "x", "temp": {"0s": 5}, "free": "0x4"}, []),
        (
            {"door": {"0s": "closed"}, "temp": {"0s": 5, "2m": 0, "3m": 5}, "free": "0x6"},
            ["1m fired warning", "2m resolved (until)"],
        ),
    ],
)
def test_a_sequence_fires_when_its_last_step_completes(changes, given, expected):
    """A step counts at the instant of the one before or later, `within` to the last instant, `not` at its end."""
    if given["door"] == "x":
        given = {**given, "door": {"0s": "open"}}

    assert raised(changes(PUMP, given, until="6m")) == expected


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        ({"0s": "closed", "5m": "closed"}, []),
        ({"0s": "closed", "4m": "open", "5m": "closed"}, ["7m fired warning"]),
        ({"0s": "closed", "4m": None, "5m": "closed"}, []),
    ],
)
def test_only_a_new_edge_of_the_first_step_begins_a_new_attempt(changes, door, expected):
    """What came to nothing is not tried again while its first step goes on; missing data ends no step."""
    given = {"door": door, "temp": "0x6 5x4", "free": "0x10"}

    assert changes(PUMP, given) == expected


def test_a_new_edge_starts_the_attempt_again(changes):
    """The times count from the newest edge."""
    given = {"door": {"0s": "closed", "1m": "open", "90s": "closed"}, "temp": "0x3 5x4", "free": "0x7"}

    assert changes(PUMP, given) == ["4m fired warning"]


def test_each_event_is_an_edge(changes):
    """An event is over with its instant, so that the next one starts again even if nothing came in between."""
    rule = """
  - alert: forced
    sequence: [{when: 'alarm == "forced"'}, {when: temp > 4, within: 30s}]
    until: temp < 1
"""
    given = {"alarm": {"0s": "forced", "1m": "forced"}, "temp": {"80s": 5}}

    assert changes(rule, given) == ["1m20s fired warning"]


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        ({"0s": 0, "1m": None}, []),  # known false until 3m, then stale
        ({"0s": 0, "1m": None, "2m30s": 0}, ["2m30s fired warning"]),
        ({"0s": 0, "1m": None, "2m30s": 2}, []),
        ({}, []),
        ({"90s": 0}, []),  # unknown when it began to be waited for: stale from the start
    ],
)
def test_unknown_holds_a_not_until_stale_and_then_abandons_it(changes, free, expected):
    """Missing is not false: nobody knows whether it happened."""
    given = {"door": {"0s": "closed"}, "temp": {"1m": 5, "2m": 5, "3m": 5, "4m": 5}}
    if free:
        given["free"] = free

    assert raised(changes(PUMP, given, until="8m")) == expected


@pytest.mark.parametrize(
    ("temp", "expected"),
    [({"7m": 5}, ["7m fired warning"]), ({"0s": 0, "1m": 0, "7m": 5}, []), ({"0s": 0, "3m": 5}, ["3m fired warning"])],
)
def test_a_step_waits_for_data_that_never_came_but_not_for_data_that_stopped(changes, temp, expected):
    """Stale data abandons an attempt that had seen it."""
    rule = """
  - alert: slow
    sequence: [{when: 'door == "closed"'}, {when: temp > 4, within: 10m}]
    until: temp < 1
"""

    assert changes(rule, {"door": {"0s": "closed"}, "temp": temp}) == expected


def test_a_hold_counts_from_completion(changes):
    """`for` delays raising, and `until` ends what is pending."""
    rule = PUMP + "    for: 90s\n"
    given = {"door": {"0s": "closed"}, "temp": "5x8", "free": "0x8"}

    assert changes(rule, given) == ["1m pending warning", "2m30s fired warning"]
    assert changes(rule, {**given, "temp": "5x2 0x6"}) == ["1m pending warning", "2m ended (known false)"]


def test_a_sequence_stands_until_until_is_known(changes):
    """Silence resolves nothing; `keep_firing_for` counts as elsewhere, and falling back is the same episode."""
    rule = PUMP + "    keep_firing_for: 2m\n"
    given = {"door": {"0s": "closed"}, "temp": "5x3 _x4 0x1 5x1 0x4", "free": "0x13"}

    assert changes(rule, given) == [
        "1m fired warning",
        "5m unknown (stale)",
        "7m known",
        "7m recovering",
        "8m refired",
        "9m recovering",
        "11m resolved (until)",
    ]


def test_restarts_change_nothing(changes):
    """An attempt survives at every place of its way."""
    given = {"door": {"0s": "closed"}, "temp": {"0s": 0, "1m": 5, "4m": 0}, "free": "0x5"}

    for restarts in (["0s"], ["30s"], ["1m"], ["90s"], ["2m"], ["0s", "1m", "2m", "3m"]):
        assert changes(PUMP, given, restart=restarts) == ["2m fired warning", "4m resolved (until)"]


def _defined(samples, within_ms, quiet_ms):
    """Return when `a, then b within, then not c within` completes: the definition, edge by edge."""
    edges = [at for place, (at, a, _, _) in enumerate(samples) if a and (place == 0 or not samples[place - 1][1])]
    found = []
    for edge, after in zip(edges, [*edges, None][1:], strict=True):
        own = [each for each in samples if each[0] >= edge]
        begun = next((at for at, _, b, _ in own if b and at <= edge + within_ms), None)
        if begun is None or (after is not None and after < begun):
            continue
        end = begun + quiet_ms
        if (after is None or end <= after) and not any(c for at, _, _, c in own if begun <= at <= end):
            found.append(end)
    return found


def _found(samples, within_ms, quiet_ms):
    """Return the same from the sequence as it is judged: at samples, and at its own timers in between."""
    steps = [
        CompiledStep(lambda moment: moment.values[0], False, None, ()),
        CompiledStep(lambda moment: moment.values[1], False, within_ms, ()),
        CompiledStep(lambda moment: moment.values[2], True, quiet_ms, ()),
    ]
    sequence, attempt, moment, found = CompiledSequence("", tuple(steps)), None, Moment(Memory()), []
    for at_ms, *values in [*samples, (10**9, False, False, False)]:
        due = sequence.next_due(moment, attempt, moment.at_ms - 1)
        instants = [due.at_ms] if due is not None and due.at_ms < at_ms else []
        for instant in [*instants, at_ms]:
            moment.at(None, instant, False, instant)
            moment.values = values if instant == at_ms else moment.values
            attempt, completed = sequence.advance(moment, attempt)
            found += [instant] if completed else []
    return found


@given(
    truths=st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=25),
    within_s=st.sampled_from([0, 60, 90, 180]),
    quiet_s=st.sampled_from([30, 60, 100, 180]),
)
def test_sequences_agree_with_their_definition(truths, within_s, quiet_s):
    """Whatever comes, completions are those that a search through all edges finds."""
    samples = [(place * 60_000, *values) for place, values in enumerate(truths)]

    expected = _defined(samples, within_s * 1_000, quiet_s * 1_000)

    assert expected == _found(samples, within_s * 1_000, quiet_s * 1_000)
