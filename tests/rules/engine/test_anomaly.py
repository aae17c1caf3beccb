"""`anomaly()`: what is usual is learned by the time of the season, slowly, in bounded space, and never lost."""

from statistics import median

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.rules.anomaly import LIMIT, SeasonalMedian
from iotops.rules.authoring.replay import replay, restarted
from iotops.rules.clocks import Now
from iotops.rules.engine import evaluate
from iotops.telemetry.batch import Batch

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def slow(samples, season_ms):
    """Score the last of some samples by the definition, from all of them."""
    *before, (at_ms, number) = samples
    width = season_ms // 24
    seen = {}
    for at, value in before:
        if at // width % 24 == at_ms // width % 24:
            seen.setdefault(at * 8 // width, value)
    kept = list(seen.items())[-64:]
    if len(kept) < 8 or len({slot // (24 * 8) for slot, _ in kept}) < 3:
        return None
    values = [value for _, value in kept]
    center = median(values)
    apart = [abs(value - center) for value in values]
    scale = 1.4826 * median(apart) or 1.2533 * sum(apart) / len(apart)
    if number == center:
        return 0.0
    return max(-LIMIT, min(LIMIT, (number - center) / scale)) if scale else LIMIT * (1 if number > center else -1)


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from([1, 1, 1, 2, 7, 40]), st.sampled_from([0, 1, 1.5, 2, 2, 2, 50])),
        min_size=1,
        max_size=300,
    )
)
def test_scores_agree_with_their_definition(steps):
    """Median and deviation of what the same part of other seasons showed, thinned, newest 64."""
    model, samples, at_ms = SeasonalMedian(24 * MINUTE), [], 0
    for step, value in steps:
        at_ms += step * 20_000
        samples.append((at_ms, value))
        model.observe(at_ms, value)
    assert model.score == pytest.approx(slow(samples, 24 * MINUTE))


def day_of(model, day, value, every=10 * MINUTE):
    """Let a model see a day, and return the scores."""
    scores = []
    for at_ms in range(day * DAY, (day + 1) * DAY, every):
        model.observe(at_ms, value(at_ms % DAY, at_ms))
        scores.append(model.score)
    return scores


def usual(of_day_ms, at_ms):
    """Busy by day, quiet by night, and never quite the same."""
    return (40 if 6 * HOUR <= of_day_ms < 18 * HOUR else 5) + at_ms // MINUTE % 7 / 10


def test_a_model_is_cold_until_its_third_day_and_then_knows_day_from_night():
    """What is usual by day is odd at night."""
    model = SeasonalMedian(DAY)
    scores = [day_of(model, day, usual) for day in range(6)]

    assert [{score is None for score in each} for each in scores] == [{True}] * 2 + [{True, False}] + [{False}] * 3
    assert max(abs(score) for score in scores[5]) < 3
    model.observe(6 * DAY + 2 * HOUR, 40)
    assert model.score > 20
    model.observe(6 * DAY + 12 * HOUR, 5)
    assert model.score < -20


def test_what_is_odd_is_learned_only_when_it_stays():
    """Three odd days change nothing; after two weeks they are the usual."""
    model = SeasonalMedian(DAY)
    for day in range(10):
        day_of(model, day, usual)

    odd = [min(day_of(model, 10 + day, lambda of_day, at: usual(of_day, at) + 30)) for day in range(14)]

    assert min(odd[:3]) > 10
    assert odd[13] < 3


def test_without_a_season_the_newest_samples_are_what_is_usual():
    """Missing below 32 samples; constant data makes any difference as odd as can be."""
    model = SeasonalMedian(0)
    for at_ms in range(32):
        model.observe(at_ms, 7)
        assert model.score is None
    model.observe(40, 7)
    assert model.score == 0.0
    model.observe(41, 7.5)
    assert model.score == LIMIT
    model.observe(41, 7)  # the same instant again: the later value counts
    assert model.score == 0.0


@pytest.mark.parametrize("season_ms", [0, DAY])
def test_state_is_bounded_and_comes_back_through_bytes(season_ms):
    """However long it learns; and a model that came back goes on as one that never left."""
    model, again = SeasonalMedian(season_ms), SeasonalMedian(season_ms)
    for at_ms in range(0, 30 * DAY, 7 * MINUTE):
        model.observe(at_ms, at_ms % 13)
    packed = msgspec.msgpack.encode(model.state())

    again.restore(msgspec.msgpack.decode(packed))

    assert len(packed) < 40_000
    assert again.state() == model.state()
    for each in (model, again):
        each.observe(30 * DAY, 99)
    assert again.score == model.score is not None


@pytest.mark.parametrize("value", [True, "on", 10**400])
def test_what_is_no_number_has_no_score(value):
    """It is not learned either."""
    model = SeasonalMedian(0)
    model.observe(1, value)
    model.observe(2, 1)

    assert (model.score, model.state()[0]) == (None, {})


RULE = "  - {alert: odd, when: 'abs(anomaly(temp, 1d)) > 5', for: 20m, summary: '${anomaly(temp, 1d):.1f}'}\n"


def test_a_rule_fires_on_what_is_odd_and_restarts_change_nothing(program, memory_of, device, reading, told):
    """The score survives a restart, stands until it is stale, and reads in the summary."""
    rules, found = program(RULE), []
    memory = memory_of(device())
    for day in range(5):
        for at_ms in range(day * DAY, (day + 1) * DAY, 30 * MINUTE):
            found += replay(rules, [reading(at_ms, temp=20 + at_ms // MINUTE % 7 / 10)], memory)
        memory = restarted(memory)
    memory = restarted(memory)
    start = 5 * DAY
    odd = [reading(start + at * MINUTE, temp=40) for at in range(0, 21, 1)]
    found += replay(rules, [*odd, reading(start + 21 * MINUTE, temp=20.3)], memory)

    assert [told(each) for each in found] == [
        "5d pending warning",
        "5d20m fired warning",
        "5d21m resolved (known false)",
    ]
    assert float(found[1].alert.summary) > 50


def test_a_dropped_batch_was_never_learned(program, memory_of, device, reading):
    """Memory is as before, the first sample of a metric included."""
    rules, memory = program(RULE), memory_of(device())
    for taken in ([], [reading(at * 40 * MINUTE, temp=at) for at in range(200)]):
        replay(rules, taken, memory)
        before = [memory.dump(slot) for slot in range(1_024)]
        more = [reading(9 * DAY + at * HOUR, temp=at) for at in range(50)]

        evaluate(rules, Batch(more), memory, Now(0, 0, drained=False)).journal.drop()

        assert [memory.dump(slot) for slot in range(1_024)] == before
