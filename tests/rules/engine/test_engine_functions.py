"""The table of functions, and expressions read on a device: every operator with missing values and bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.rules.functions import FUNCTIONS
from iotops.rules.language.signatures import SIGNATURES
from iotops.rules.language.supported import FUNCTIONS as SUPPORTED
from iotops.rules.logic import conjunction, constant, disjunction
from iotops.rules.values import COMPARISONS, NO_EVENT, Interval, absolute, calculate, compare, negated

TRUTHS = (True, False, None)
INFINITE = float("inf")


def test_what_the_language_lets_through_is_what_the_engine_computes():
    """A function that passes the check can be called, and every function has a signature."""
    assert set(FUNCTIONS) == SUPPORTED
    assert set(FUNCTIONS) <= set(SIGNATURES)


@pytest.mark.parametrize("one", TRUTHS)
@pytest.mark.parametrize("other", TRUTHS)
def test_and_and_or_are_kleenes(one, other):
    """False decides `and`, true decides `or`; otherwise what is unknown stays unknown."""
    both = conjunction([constant(one), constant(other)])(None)
    either = disjunction([constant(one), constant(other)])(None)

    assert both is (False if False in (one, other) else None if None in (one, other) else True)
    assert either is (True if True in (one, other) else None if None in (one, other) else False)


@pytest.mark.parametrize("op", COMPARISONS)
@pytest.mark.parametrize("other", [1, 1.5, "open", True, Interval(0, 1), NO_EVENT, None])
def test_comparing_with_missing_is_unknown(op, other):
    """On either side, with whatever stands on the other."""
    assert compare(op, None, other) is None
    assert compare(op, other, None) is None


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("==", "open", "open", True),
        ("!=", "open", "shut", True),
        ("<", "open", "shut", None),
        ("==", True, True, True),
        ("==", True, 1, None),
        ("<", True, 2, None),
        ("==", "1", 1, None),
        ("==", NO_EVENT, "door_forced", False),
        ("!=", "door_forced", NO_EVENT, True),
        (">", NO_EVENT, 0, False),
        ("<", 1, NO_EVENT, False),
        (">", Interval(3, INFINITE), 2, True),
        (">", Interval(3, INFINITE), 3, None),
        (">=", Interval(3, INFINITE), 3, True),
        ("<", Interval(3, INFINITE), 3, False),
        ("<=", Interval(3, INFINITE), 3, None),
        ("<", Interval(-INFINITE, 3), 4, True),
        ("==", Interval(3, 5), 6, False),
        ("!=", Interval(3, 5), 6, True),
        ("==", Interval(3, 5), 4, None),
        ("==", Interval(3, 3), 3, True),
        (">", Interval(0, 1), "open", None),
    ],
)
def test_comparisons(op, left, right, expected):
    """Kinds that do not mix are unknown; bounds answer only where all values within them agree."""
    assert compare(op, left, right) is expected


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("+", 1, 2, 3),
        ("/", 1, 0, None),
        ("%", 7, 0, None),
        ("%", -7, 3, 2),
        ("*", 1e308, 10, None),
        ("*", 2**600, 2**600, None),
        ("/", 2**1500, 1, None),
        ("+", None, 1, None),
        ("+", "a", "b", None),
        ("+", True, 1, None),
        ("+", NO_EVENT, 1, 1),
        ("-", Interval(1, 2), 1, Interval(0, 1)),
        ("*", Interval(3, INFINITE), -1, Interval(-INFINITE, -3)),
        ("*", Interval(3, INFINITE), 0, Interval(0, 0)),
        ("/", Interval(2, INFINITE), 2, Interval(1, INFINITE)),
        ("/", 1, Interval(0, 5), None),
        ("%", Interval(1, 2), 2, None),
    ],
)
def test_arithmetic(op, left, right, expected):
    """Where there is no finite number there is a missing value, never an error."""
    assert expected == calculate(op, left, right)


def test_signs():
    """Minus and `abs` know bounds and missing values."""
    assert (-3, Interval(-2, -1), None, None) == tuple(map(negated, (3, Interval(1, 2), None, "a")))
    assert (3, Interval(0, 2), Interval(1, 2), None) == tuple(
        map(absolute, (-3, Interval(-2, 1), Interval(-2, -1), True))
    )


@given(
    op=st.sampled_from(sorted(COMPARISONS)),
    bounds=st.tuples(st.integers(-5, 5), st.integers(-5, 5)).map(sorted),
    others=st.tuples(st.integers(-5, 5), st.integers(-5, 5)).map(sorted),
)
def test_bounds_never_say_more_than_their_values(op, bounds, others):
    """A comparison of bounds is known exactly where all pairs of whole values within them agree, or stays unknown."""
    answers = {
        COMPARISONS[op](one, other)
        for one in range(bounds[0], bounds[1] + 1)
        for other in range(others[0], others[1] + 1)
    }

    found = compare(op, Interval(*bounds), Interval(*others))

    assert found is None or answers == {found}
    assert found is not None or len(answers) == 2
