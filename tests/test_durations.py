"""Durations and instants as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.durations import format_duration, format_instant, parse_duration, parse_instant


@pytest.mark.parametrize(
    ("text", "ms"), [("90s", 90_000), ("1h30m", 5_400_000), ("250ms", 250), ("1.5h", 5_400_000), ("2w", 1_209_600_000)]
)
def test_duration_with_units_is_read(text, ms):
    """A number with a unit, or several, is a duration."""
    assert parse_duration(text) == ms


@pytest.mark.parametrize("text", ["", "90", "s", "1 h", "-5m", "5M", "1h-30m"])
def test_text_without_unit_is_refused_with_an_example(text):
    """Anything else is refused, and the error shows what to write."""
    with pytest.raises(ValueError, match="90s or 1h30m"):
        parse_duration(text)


@given(st.integers(0, 10**12))
def test_formatted_duration_reads_back(ms):
    """What is printed can be read again, to the millisecond."""
    assert parse_duration(format_duration(ms)) == ms


@given(st.integers(0, 4_000_000_000_000))
def test_formatted_instant_reads_back(at_ms):
    """What is printed can be read again, to the millisecond."""
    assert parse_instant(format_instant(at_ms)) == at_ms


def test_instant_with_offset_is_converted():
    """An offset counts; without one the instant is UTC."""
    assert parse_instant("2026-01-05T23:00:00+01:00") == parse_instant("2026-01-05T22:00:00")
