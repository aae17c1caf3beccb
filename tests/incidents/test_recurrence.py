"""Windows that come back: RFC 5545 rules on the wall clock of a time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.incidents.recurrence import Windows, check_windows

MINUTE = 60_000


def at(text, zone="UTC"):
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def windows(start, end, rule, zone="Europe/Paris"):
    return Windows(at(start, zone), at(end, zone), rule, zone)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-22", 4), ("2026-03-29", 3), ("2026-04-05", 4), ("2026-10-25", 5), ("2026-11-01", 4)]
)
def test_a_night_of_the_clocks_has_the_hours_that_the_wall_shows(day, hours):
    """01:00 to 05:00 in Paris is three hours when the clocks go forward, five when they go back."""
    weekly = windows("2026-01-04T01:00", "2026-01-04T05:00", "FREQ=WEEKLY;BYDAY=SU")

    begins, ends = weekly.current_or_next(at(f"{day}T00:30", "Europe/Paris"))

    assert (begins, ends - begins) == (at(f"{day}T01:00", "Europe/Paris"), hours * 60 * MINUTE)
    assert [weekly.covers(each) for each in (begins - 1, begins, ends - 1, ends)] == [False, True, True, False]


def test_a_time_that_does_not_exist_is_read_with_the_offset_before():
    """02:30 on the night of the gap is 03:30 summer time, and a window within the gap keeps its length."""
    daily = windows("2026-03-01T02:30", "2026-03-01T03:15", "FREQ=DAILY")

    begins, ends = daily.current_or_next(at("2026-03-29T00:00", "Europe/Paris"))

    assert datetime.fromtimestamp(begins / 1000, UTC) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert ends - begins == 45 * MINUTE


def test_a_time_that_exists_twice_is_its_first():
    """02:30 on the night of the repetition is still summer time."""
    daily = windows("2026-10-01T02:30", "2026-10-01T02:45", "FREQ=DAILY")

    begins, ends = daily.current_or_next(at("2026-10-25T00:00", "Europe/Paris"))

    assert datetime.fromtimestamp(begins / 1000, UTC) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert ends - begins == 15 * MINUTE


def test_until_counts_in_utc_and_count_ends_too():
    """After the last one nothing comes."""
    for rule in ("FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20260103T120000Z"):
        three = windows("2026-01-01T01:00", "2026-01-01T02:00", rule)

        assert three.covers(at("2026-01-03T01:30", "Europe/Paris"))
        assert three.current_or_next(at("2026-01-03T02:00", "Europe/Paris")) is None


def test_without_a_rule_there_is_one_window_or_one_without_end():
    """The end is the first instant that is outside."""
    once, ever = Windows(10, 20), Windows(10, None)

    assert [once.covers(each) for each in (9, 10, 19, 20)] == [False, True, True, False]
    assert [ever.covers(each) for each in (9, 10, 2**50)] == [False, True, True]
    assert (once.current_or_next(5), once.current_or_next(20), ever.current_or_next(50)) == ((10, 20), None, (10, None))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY",
        "FREQ=DAILY;BYHOUR=3",
        "FREQ=DAILY;INTERVAL=0",
        "every sunday",
        "FREQ=WEEKLY\nDTSTART:20200101",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20200101T000000Z",
    ],
)
def test_a_rule_that_cannot_be_used_is_refused(rule):
    """What is no rule, runs by the minute, or never happens."""
    with pytest.raises(ValueError, match="rrule"):
        check_windows(windows("2026-01-01T01:00", "2026-01-01T02:00", rule))


def test_an_end_before_the_start_and_a_rule_without_end_are_refused():
    """A window has a length, and so has each that a rule repeats."""
    with pytest.raises(ValueError, match="after starts_at"):
        check_windows(Windows(20, 20))
    with pytest.raises(ValueError, match="ends_at"):
        check_windows(Windows(20, None, "FREQ=DAILY"))


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),  # noqa: DTZ001  local on purpose
    minutes=st.integers(1, 1_439),
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]),
    offset=st.integers(0, 300 * 86_400_000),
)
def test_every_instant_is_covered_as_the_list_of_windows_says(start, minutes, zone, offset):
    """Looking one instant up is the same as going through all windows from the first."""
    start = start.replace(second=0, microsecond=0)
    first_ms = int(start.replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)
    daily = Windows(first_ms, first_ms + minutes * MINUTE, "FREQ=DAILY", zone)
    asked_ms = first_ms + offset
    everything = Windows(first_ms, first_ms + minutes * MINUTE, "FREQ=DAILY", zone)
    day_ms = int(timedelta(days=1) / timedelta(milliseconds=1))
    listed = {everything.current_or_next(asked_ms + step * day_ms) for step in (-2, -1, 0, 1)} - {None}

    assert daily.covers(asked_ms) == any(begins <= asked_ms < ends for begins, ends in listed)
