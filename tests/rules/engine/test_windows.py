"""Windows against definitions that are slow and obviously right."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.device import FOREVER
from iotops.rules.functions.aggregates import average, counted, largest, smallest, total
from iotops.rules.functions.changes import delta, increase, rate, span
from iotops.rules.series import Series
from iotops.rules.values import Interval
from iotops.rules.windows import Frame

NUMBERS = st.one_of(
    st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9, allow_nan=False), st.sampled_from([0.1, 0.2, 1e16, 1e-9])
)
STEPS = st.lists(st.tuples(st.integers(1, 50), NUMBERS), min_size=1, max_size=60)
FUNCTIONS = {
    "avg": average, "sum": total, "count": counted, "max": largest, "min": smallest,
    "range": span, "delta": delta, "increase": increase, "rate": rate,
}  # fmt: skip


def samples_of(steps):
    at, found = 0, []
    for gap, value in steps:
        at += gap
        found.append((at, value))
    return found


def fed(samples):
    series = Series(1)
    for at, value in samples:
        series.add(at, value, declared=True)
    return series


def exact(values):
    """Return the correctly rounded sum, a whole number where all values are."""
    found = sum(map(Fraction, values))
    return int(found) if all(isinstance(value, int) for value in values) else float(found)


def steps_of(values, before):
    """Return the positive steps; a drop is a reset and adds the new value."""
    found, last = [], before
    for value in values:
        if last is not None:
            found.append(Fraction(value) - Fraction(last) if value >= last else Fraction(value))
        last = value
    return found


def slow(name, window, before):
    """Return what RULES says, computed from all samples of a covered window. `before`: the last sample ahead of it."""
    times, values = [at for at, _ in window], [value for _, value in window]
    if name == "count":
        return len(values)
    if name == "sum":
        return exact(values)
    if name == "increase":
        found = sum(steps_of(values, before[1] if before else None), Fraction(0))
        known = [value for _, value in ([before] if before else []) + window]
        whole = len(known) < 2 or all(isinstance(value, int) for value in known)
        return int(found) if whole else float(found)
    if not values:
        return None
    if name == "avg":
        return float(sum(map(Fraction, values)) / len(values))
    if name in ("max", "min"):
        return max(values) if name == "max" else min(values)
    if len(values) < 2:
        return None
    if name == "range":
        return max(values) - min(values)
    if name == "delta":
        return values[-1] - values[0]
    increased = sum(steps_of(values, before[1] if before else None), Fraction(0))
    seconds = Fraction(times[-1] - (before[0] if before else times[0]), 1000)
    return float(increased / seconds)


def agree(name, expected, found):
    """Equal, whole where the definition is; rates may differ in the last digit, for they are divided after rounding."""
    if name == "rate" and expected is not None:
        return found == pytest.approx(expected, rel=1e-12)
    same_kind = name not in ("sum", "increase", "count") or expected.__class__ is found.__class__
    return expected == found and same_kind


@pytest.mark.parametrize("name", FUNCTIONS)
@given(steps=STEPS, width=st.integers(1, 300))
def test_time_windows_agree_with_the_definition(name, steps, width):
    """Read after every sample, a window gives what all its samples together give."""
    series, samples = Series(1), samples_of(steps)
    frame = Frame(series, width, None, lambda value: value)

    for count, (at, value) in enumerate(samples, 1):
        series.add(at, value, declared=True)
        window = [each for each in samples[:count] if at - width < each[0] <= at]
        before = next((each for each in reversed(samples[:count]) if each[0] <= at - width), None)

        assert agree(name, slow(name, window, before), FUNCTIONS[name](frame, at, True))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(steps=STEPS, size=st.integers(1, 10))
def test_count_windows_agree_with_the_definition(name, steps, size):
    """`x[n]` sees the last n samples."""
    series, samples = Series(1), samples_of(steps)
    frame = Frame(series, None, size, lambda value: value)

    for count, (at, value) in enumerate(samples, 1):
        series.add(at, value, declared=True)
        window = samples[max(0, count - size) : count]
        before = samples[count - size - 1] if count > size else None

        assert agree(name, slow(name, window, before), FUNCTIONS[name](frame, at, True))


@given(steps=STEPS, width=st.integers(1, 300), order=st.randoms())
def test_late_samples_end_up_in_the_windows(steps, width, order):
    """In whatever order samples come, the window at the end is the same."""
    samples = samples_of(steps)
    shuffled = samples[:]
    order.shuffle(shuffled)
    series, at = Series(1), samples[-1][0]
    frame = Frame(series, width, None, lambda value: value)

    for seen, value in shuffled:
        series.add(seen, value, declared=True)
        frame.read("total", series.last_ms)

    in_order = Frame(fed(samples), width, None, lambda value: value)
    for function in FUNCTIONS.values():
        assert function(in_order, at, True) == function(frame, at, True)


@given(steps=STEPS, width=st.integers(1, 300), keep=st.integers(1, 5))
def test_eviction_changes_no_window(steps, width, keep):
    """What was evicted could not be seen any more."""
    samples = samples_of(steps)
    kept, evicting = Series(1), Series(1)
    frames = [Frame(series, width, None, lambda value: value) for series in (kept, evicting)]

    for at, value in samples:
        for series in (kept, evicting):
            series.add(at, value, declared=True)
        found = [[function(frame, at, True) for function in FUNCTIONS.values()] for frame in frames]
        evicting.apply(width, keep)

        assert found[0] == found[1]


@given(before=STEPS, batch=st.lists(st.tuples(st.integers(-100, 100), NUMBERS | st.none())), width=st.integers(1, 300))
def test_a_dropped_batch_leaves_no_trace(before, batch, width):
    """Late, replacing, missing and new samples are all taken back."""
    samples = samples_of(before)
    series, untouched = fed(samples), fed(samples)
    frames = [Frame(each, width, None, lambda value: value) for each in (series, untouched)]
    at = samples[-1][0]

    series.mark()
    for offset, value in batch:
        series.add(at + offset, value, declared=False)
        frames[0].read("steps", series.last_ms)
    series.drop()

    for name in ("times", "values", "value", "last_ms", "good_ms", "every_ms", "gaps"):
        assert getattr(untouched, name) == getattr(series, name)
    for function in FUNCTIONS.values():
        assert function(frames[1], at, True) == function(frames[0], at, True)


def test_sums_do_not_depend_on_order():
    """A huge value that comes and goes leaves the small ones as they were."""
    series = fed([(1, 0.1), (2, 1e300), (3, 0.2)])
    frame = Frame(series, 2, None, lambda value: value)

    assert total(frame, 3, True) == 1e300
    series.add(5, 0.3, declared=True)
    assert total(frame, 5, True) == 0.3
    assert average(frame, 5, True) == 0.3


def test_what_no_float_can_hold_is_missing():
    """Sums and rates of finite numbers may overflow: then there is no value, and never an error."""
    frame = Frame(fed([(0, 0), (1_000, 1e308), (2_000, 5), (3_000, 1e308)]), 5_000, None, lambda value: value)

    found = {name: function(frame, 3_000, True) for name, function in FUNCTIONS.items()}
    seen = increase(frame, 3_000, False)

    assert (found["sum"], found["increase"], found["rate"], seen) == (None, None, None, None)
    assert (found["avg"], found["range"]) == (5e307, 1e308)


def test_a_window_not_yet_covered_gives_bounds():
    """What is seen bounds what may be: from below for count, max and increase, from above for min."""
    series = fed([(10, 3), (20, 7)])
    frame = Frame(series, 100, None, lambda value: value)

    found = {name: function(frame, 20, frame.covered(20, 10)) for name, function in FUNCTIONS.items()}

    infinite = float("inf")
    assert {
        "count": Interval(2, infinite),
        "max": Interval(7, infinite),
        "increase": Interval(4, infinite),
        "min": Interval(-infinite, 3),
    } == {name: value for name, value in found.items() if value is not None}


@pytest.mark.parametrize(("first_ms", "covered"), [(10, True), (11, False), (FOREVER, False)])
def test_a_window_is_covered_once_the_stream_is_as_old_as_it_is_long(first_ms, covered):
    """The device's stream counts, not the metric's first sample."""
    frame = Frame(fed([(100, 1)]), 90, None, lambda value: value)

    assert covered is frame.covered(100, first_ms)


def test_a_window_longer_than_what_was_kept_is_not_covered():
    """After a reload with a longer window, evicted samples are not taken for absent ones."""
    series = fed([(at, at) for at in range(1, 200)])
    series.apply(10, 1)

    assert not Frame(series, 150, None, lambda value: value).covered(199, 1)
    assert Frame(series, 10, None, lambda value: value).covered(199, 1)
