"""stddev, median, quantile and forecast: against hand-computed examples and definitions that are obviously right."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import isclose, ulp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.functions.forecast import forecast
from iotops.rules.functions.quantile import median, quantile
from iotops.rules.functions.stddev import stddev
from iotops.rules.series import Series
from iotops.rules.windows import Frame

NOON_2026_MS = 1_767_268_800_000
HOUR_MS = 3_600_000
MINUTE_MS = 60_000
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63), st.floats(-1e9, 1e9), st.sampled_from([0.1, -0.0, 0, 1, 1.0, 1e16, 1e-9, 1e300, 20.5])
)
FUNCTIONS = {
    "stddev": stddev,
    "median": median,
    "quantile": lambda frame, at_ms, covered: quantile(frame, at_ms, covered, 0.95),
    "forecast": lambda frame, at_ms, covered: forecast(frame, at_ms, covered, HOUR_MS),
}


def itself(value):
    return value


def frame_of(samples, span_ms=None, count=None):
    series = Series(1)
    for at_ms, value in samples:
        series.add(at_ms, value, declared=True)
    return Frame(series, span_ms, count, itself)


def of_values(*values):
    """Return a window that holds these values, a minute apart, and where it ends."""
    samples = [(NOON_2026_MS + place * MINUTE_MS, value) for place, value in enumerate(values)]
    return frame_of(samples, count=len(samples)), samples[-1][0]


def slow_stddev(window, _at_ms):
    values = [Fraction(value) for _, value in window]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    with localcontext(prec=400):
        return float((Decimal(variance.numerator) / Decimal(variance.denominator)).sqrt())


def slow_quantile(fraction, window):
    ordered = sorted(float(value) for _, value in window)
    rank = fraction * (len(ordered) - 1)
    below = int(rank)
    above = min(below + 1, len(ordered) - 1)
    weight = Fraction(rank) - below
    return float(Fraction(ordered[below]) * (1 - weight) + Fraction(ordered[above]) * weight)


def slow_forecast(window, at_ms):
    if len(window) < 2:
        return None
    times = [Fraction(each_ms - at_ms) for each_ms, _ in window]
    values = [Fraction(value) for _, value in window]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    run = sum((time - middle) ** 2 for time in times)
    rise = sum((time - middle) * (value - mean) for time, value in zip(times, values, strict=True))
    return float(mean + rise / run * (HOUR_MS - middle))


SLOW = {
    "stddev": slow_stddev,
    "median": lambda window, _: slow_quantile(0.5, window),
    "quantile": lambda window, _: slow_quantile(0.95, window),
    "forecast": slow_forecast,
}


def agree(name, expected, found, window):
    """Forecasts are correctly rounded, deviations to a unit in the last place; quantiles round twice in between."""
    if expected is None or name == "forecast":
        return expected == found
    if name == "stddev":
        return abs(expected - found) <= ulp(expected)
    return abs(expected - found) <= 2 * ulp(max(abs(float(value)) for _, value in window))


def inserted(samples, at_ms, value):
    """Return the samples with one more; an equal time replaces."""
    return sorted({**dict(samples), at_ms: value}.items())


@pytest.mark.parametrize("name", FUNCTIONS)
@given(arrivals=st.lists(st.tuples(st.integers(0, 200), NUMBERS), min_size=1, max_size=40), width=st.integers(1, 120))
def test_time_windows_agree_with_the_definition_in_any_order(name, arrivals, width):
    """Read after every arrival, be it the newest, late or a replacement, a window gives what its samples give."""
    series, samples = Series(1), []
    frame = Frame(series, width, None, itself)

    for offset_ms, value in arrivals:
        samples = inserted(samples, NOON_2026_MS + offset_ms, value)
        series.add(NOON_2026_MS + offset_ms, value, declared=True)
        at_ms = samples[-1][0]
        window = [each for each in samples if at_ms - width < each[0]]

        assert agree(name, SLOW[name](window, at_ms), FUNCTIONS[name](frame, at_ms, True), window)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(values=st.lists(NUMBERS, min_size=1, max_size=40), size=st.integers(1, 8), skips=st.sets(st.integers(0, 40)))
def test_count_windows_agree_with_the_definition(name, values, size, skips):
    """`x[n]` sees the last n samples, also where it was not read for a while."""
    series, samples = Series(1), []
    frame = Frame(series, None, size, itself)

    for place, value in enumerate(values):
        at_ms = NOON_2026_MS + 7 * place
        series.add(at_ms, value, declared=True)
        samples.append((at_ms, value))
        window = samples[-size:]

        if place not in skips:
            assert agree(name, SLOW[name](window, at_ms), FUNCTIONS[name](frame, at_ms, True), window)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(
    before=st.lists(NUMBERS, min_size=1, max_size=30),
    batch=st.lists(st.tuples(st.integers(-30, 30), NUMBERS | st.none()), max_size=10),
    keep=st.integers(1, 5),
)
def test_dropped_batches_and_eviction_leave_no_trace(name, before, batch, keep):
    """What was taken back, and what no window sees any more, changes nothing."""
    samples = [(NOON_2026_MS + place, value) for place, value in enumerate(before)]
    frame, untouched = Frame(series := Series(1), 20, None, itself), frame_of(samples, span_ms=20)
    for at_ms, value in samples:
        series.mark()
        series.add(at_ms, value, declared=True)
        FUNCTIONS[name](frame, at_ms, True)
        series.apply(20, keep)

    series.mark()
    for offset_ms, value in batch:
        series.add(samples[-1][0] + offset_ms, value, declared=True)
        FUNCTIONS[name](frame, series.last_ms, True)
    series.drop()

    at_ms = samples[-1][0]
    assert repr(FUNCTIONS[name](untouched, at_ms, True)) == repr(FUNCTIONS[name](frame, at_ms, True))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_window_not_yet_covered_has_no_estimate(name):
    """Nothing bounds what the rest of the samples may be."""
    frame, at_ms = of_values(1, 2, 3)

    assert FUNCTIONS[name](frame, at_ms, True) is not None
    assert FUNCTIONS[name](frame, at_ms, False) is None


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_no_number_does_not_count(name):
    """Text and truth values among the samples are passed over; without a number there is no estimate."""
    mixed, at_ms = of_values("open", 1, True, 4)
    numbers = frame_of([(at_ms - 2 * MINUTE_MS, 1), (at_ms, 4)], count=2)
    texts, _ = of_values("open", "shut")

    assert FUNCTIONS[name](numbers, at_ms, True) == FUNCTIONS[name](mixed, at_ms, True)
    assert FUNCTIONS[name](texts, at_ms, True) is None


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("value", [0, 0.1, -273.15, 1e300, 2**63])
def test_a_constant_series_is_estimated_exactly(name, value):
    """No spread, every quantile the constant, and a forecast without a slope."""
    frame, at_ms = of_values(*[value] * 11)

    assert (0 if name == "stddev" else value) == FUNCTIONS[name](frame, at_ms, True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((2, 4, 4, 4, 5, 5, 7, 9), 2.0),  # mean 5, squares 9 1 1 1 0 0 4 16: 32 / 8
        ((1,), 0.0),
        ((-1.5, 1.5), 1.5),
        ((1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16), 22.5**0.5),  # the textbook case that sums of squares in floats lose
        ((1e308, -1e308), 1e308),
        ((5e-324, 0.0), 0.0),  # half of the smallest float rounds to even
        ((2**53, 2**53 + 2), 1.0),
    ],
)
def test_stddev_is_that_of_a_population(values, expected):
    """Divided by n, not n - 1, and exact before the root is taken."""
    frame, at_ms = of_values(*values)

    found = stddev(frame, at_ms, True)

    assert isclose(expected, found, rel_tol=3e-16)


@pytest.mark.parametrize(("value", "fraction"), [(20.1, 0.1), (0.1, 0.3)])
def test_quantile_of_equal_samples_is_the_sample(value, fraction):
    """Weights that add up to one do not lose the last digit: 0.9 x 20.1 + 0.1 x 20.1 is less than 20.1 in floats."""
    frame, at_ms = of_values(value, value)

    assert value == quantile(frame, at_ms, True, fraction)


@pytest.mark.parametrize("order", [(1, 1.0), (1.0, 1), (0.0, -0.0), (-0.0, 0.0), (True, 1)])
def test_equal_samples_leave_as_they_came(order):
    """What a summary prints depends on the samples in the window only, not on how they got there."""
    samples = [(place, value) for place, value in enumerate((*order, *order))]
    frame = frame_of(samples, span_ms=2)
    found = [quantile(frame, at_ms, True, 0) for at_ms in range(4)]
    anew = [quantile(frame_of(samples[: at_ms + 1], span_ms=2), at_ms, True, 0) for at_ms in range(4)]

    assert repr(anew) == repr(found)


def test_stddev_forgets_a_huge_sample_wholly():
    """An outlier that has left the window leaves no rounding behind."""
    frame = frame_of([(0, 0.1), (1, 1e300), (2, 0.25), (3, 0.75)], span_ms=2)

    assert stddev(frame, 1, True) > 1e299
    assert stddev(frame, 3, True) == 0.25


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [  # from the tests of Prometheus' quantile_over_time
        ((0, 1), 0, 0),
        ((0, 1), 0.5, 0.5),
        ((0, 1), 0.75, 0.75),
        ((0, 1), 1, 1),
        ((2, 0, 1), 0.75, 1.5),
        ((2, 0, 1), 0.8, 1.6),
        ((4, 1, 0), 0.5, 1),
        ((4, 1, 0), 0.75, 2.5),
        ((4, 1, 0), 0.8, 2.8),
        (range(101), 0.95, 95),
        ((7,), 0.3, 7),
        ((1, 1e308), 0.5, 5e307),
        ((-1e308, 1e308), 0.5, 0),
    ],
)
def test_quantile_lies_between_the_closest_ranks(values, fraction, expected):
    """On the straight line between the two samples around rank q (n - 1)."""
    frame, at_ms = of_values(*values)

    found = quantile(frame, at_ms, True, fraction)

    assert isclose(expected, found, rel_tol=1e-15)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, 95, None, "0.5"])
def test_quantile_of_what_is_no_fraction_is_missing(fraction):
    """Whatever got past the check, as from a label: no value rather than a wrong one."""
    frame, at_ms = of_values(1, 2, 3)

    assert quantile(frame, at_ms, True, fraction) is None


@given(values=st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=20), fraction=st.floats(0, 1))
def test_quantile_stays_within_the_samples(values, fraction):
    """Rounding never leads out of the two samples it lies between, so that `quantile(x[1h], q) > max` cannot hold."""
    frame, at_ms = of_values(*values)

    assert min(values) <= quantile(frame, at_ms, True, fraction) <= max(values)


@pytest.mark.parametrize(
    ("samples", "horizon_ms", "expected"),
    [
        ([(-2, 10), (-1, 8), (0, 6)], 4 * HOUR_MS, -2),  # two an hour down
        ([(-2, 1), (-1, 2), (0, 2)], HOUR_MS, 8 / 3),  # slope 1/2 through 5/3 in the middle
        ([(-5, 10), (0, 20)], 0, 20),
        ([(-5, 10), (0, 20)], -5 * HOUR_MS, 10),
        ([(-1, 0.5), (0, 1)], HOUR_MS / 2, 1.25),
        ([(-1 / HOUR_MS, 3), (0, 4)], 0.25, 4.25),  # one a millisecond up, and a quarter of one to go
        ([(-1, -1e308), (0, 1e308)], HOUR_MS, None),  # beyond every float
        ([(0, 7)], HOUR_MS, None),
    ],
)
def test_forecast_follows_the_line_of_least_squares(samples, horizon_ms, expected):
    """From the end of the window, with times as large as those of today."""
    frame = frame_of([(round(NOON_2026_MS + hours * HOUR_MS), value) for hours, value in samples], span_ms=6 * HOUR_MS)

    assert expected == forecast(frame, NOON_2026_MS, True, horizon_ms)


def test_forecast_without_a_horizon_is_missing():
    """A label that is no duration gives no value."""
    frame, at_ms = of_values(1, 2, 3)

    assert [forecast(frame, at_ms, True, horizon) for horizon in (None, "soon")] == [None, None]


def test_forecast_stands_while_a_hold_runs_out_between_samples(changes):
    """A fall by 10 a minute is seen at the sample that makes it; `for` runs out half a minute behind another."""
    rule = "  - {alert: falling, when: 'forecast(temp[2m], 1m) < 5', for: 90s}"

    found = changes(rule, {"temp": "30x3 20 10 0 -10 -10x3"}, until="9m")

    assert found == ["4m pending warning", "5m30s fired warning"]


def test_forecast_resolves_when_the_trend_turns(changes):
    """The samples that brought the fall leave the window."""
    rule = "  - {alert: falling, when: 'forecast(temp[2m], device.lead) < 5'}"

    found = changes(rule, {"temp": "30x3 20 10 20 30"}, device={"lead": "1m"}, until="9m")

    assert found == ["4m fired warning", "5m resolved (known false)"]


def test_quantile_takes_its_fraction_from_a_parameter(changes):
    """Per device, as thresholds do."""
    rule = """
  - alert: mostly_hot
    params: {part: 0.5}
    overrides: [{match: {type: oven}, params: {part: 0}}]
    when: quantile(temp[3], part) > 20
"""

    plain = changes(rule, {"temp": "10x3 30 10 30x3"})
    oven = changes(rule, {"temp": "10x3 30 10 30x3"}, device={"type": "oven"})

    assert (plain, oven) == (["5m fired warning"], ["7m fired warning"])


def test_estimates_work_element_by_element(changes):
    """A window argument is calculated sample by sample."""
    rule = "  - {alert: uneven, when: 'stddev(temp[2] * 2) > 5 and median(temp[2] + 1) > 13'}"

    assert changes(rule, {"temp": "10x3 16 16"}) == ["3m fired warning", "4m resolved (known false)"]


def test_a_restart_changes_no_estimate(changes):
    """What windows hold is rebuilt from the samples that were saved."""
    rule = """
  - alert: odd
    when: stddev(temp[5m]) > 4 or quantile(temp[5m], 0.9) > 24 or forecast(temp[5m], 10m) < 0 or median(temp[5m]) > 18
"""
    given_ = {"temp": "20.1x3 17.5 31.2 12.5 20x4 18 16 14 12 20.1x6"}

    assert changes(rule, given_) == changes(rule, given_, restart=["5m", "8m", "12m30s"])
