"""Active times: what the clock on the wall says, over changes of clocks, and when they begin next."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotops.durations import parse_instant
from iotops.rules.active import ActiveTimes, DailyTimes
from iotops.rules.rulefile import parse_rules

PARIS = "Europe/Paris"
MINUTES = st.one_of(st.sampled_from([0, 90, 120, 135, 150, 180, 1_320]), st.integers(0, 1_439))
ZONES = st.sampled_from(
    [
        "UTC",
        PARIS,
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "Africa/Casablanca",
    ]
)


@st.composite
def times(draw):
    ranges = draw(st.lists(st.tuples(MINUTES, st.one_of(MINUTES, st.just(1_440))), min_size=1, max_size=3))
    ranges = tuple(DailyTimes(begin, end) for begin, end in ranges if begin != end) or (DailyTimes(0, 1_440),)
    return ActiveTimes(frozenset(draw(st.sets(st.integers(0, 6), min_size=1))), ranges, draw(ZONES))


def instants(days=3):
    """Instants around the changes of clocks of 2025 and 2026, and anywhere else."""
    changes = ["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2025-11-02T06:00:00Z", "2026-04-04T15:00:00Z"]
    near = st.sampled_from([parse_instant(change) for change in changes])
    near = st.builds(lambda at, off: at + off, near, st.integers(-days * 86_400_000, days * 86_400_000))
    return st.one_of(near, st.integers(parse_instant("2020-01-01T00:00:00Z"), parse_instant("2030-01-01T00:00:00Z")))


def slow(active, at_ms):
    """Say what `covers` says, by building the ranges of today and yesterday as wall-clock times."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(active.zone))
    wall = local.replace(tzinfo=None)
    for day in (wall.date(), wall.date() - timedelta(days=1)):
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001  the wall's time has no zone
        for begin, end in active.ranges:
            last = end if end > begin else end + 1_440
            within = midnight + timedelta(minutes=begin) <= wall < midnight + timedelta(minutes=last)
            if within and day.weekday() in active.weekdays:
                return True
    return False


@given(active=times(), at_ms=instants())
def test_times_hold_by_the_clock_on_the_wall(active, at_ms):
    """A range belongs to the weekday on which it begins, however the clocks are changed."""
    assert active.covers(at_ms) is slow(active, at_ms)


@given(active=times(), at_ms=instants())
@example(
    active=ActiveTimes(frozenset({6}), (DailyTimes(150, 180),), PARIS), at_ms=parse_instant("2026-03-28T12:00:00Z")
)
def test_the_next_begin_is_the_first_minute_that_holds(active, at_ms):
    """No minute before it is active, it is, and the one before it was not."""
    at_ms -= at_ms % 60_000
    if active.covers(at_ms):
        return
    step = 60_000
    first = next((at for at in range(at_ms + step, at_ms + 16 * 86_400_000, step) if slow(active, at)), None)

    assert active.next_begin(at_ms) == first


@pytest.mark.parametrize(
    ("times", "at", "begins"),
    [
        # 02:30 does not exist that night: the clock goes from 02:00 to 03:00.
        (DailyTimes(150, 240), "2026-03-29T00:59:59.999Z", "2026-03-29T01:00:00Z"),
        # 02:30 exists twice: active, not active, and active again.
        (DailyTimes(150, 180), "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
        (DailyTimes(150, 180), "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"),
    ],
)
def test_nights_in_which_clocks_are_changed(times, at, begins):
    """What is left out is not active, and what comes twice is twice."""
    active = ActiveTimes(frozenset(range(7)), (times,), PARIS)

    assert active.next_begin(parse_instant(at)) == parse_instant(begins)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{weekdays: mon-fri}", ({0, 1, 2, 3, 4}, [(0, 1_440)], "UTC")),
        ("{weekdays: 'sat,sun'}", ({5, 6}, [(0, 1_440)], "UTC")),
        ("{weekdays: [sat, sunday, mon-tue]}", ({5, 6, 0, 1}, [(0, 1_440)], "UTC")),
        ("{weekdays: Fri-Mon, times: 22:00-06:00}", ({4, 5, 6, 0}, [(1_320, 360)], "UTC")),
        ("{times: ['8:00-12:00', 13:00-24:00], tz: Europe/Paris}", (set(range(7)), [(480, 720), (780, 1_440)], PARIS)),
        ("{times: '08:00-12:00, 13:00 - 17:00'}", (set(range(7)), [(480, 720), (780, 1_020)], "UTC")),
    ],
)
def test_times_are_read_in_the_forms_that_people_write(written, expected):
    """Ranges, lists and commas; names short and long; a weekday range may go over the weekend."""
    rule_set, findings = parse_rules({"r.yaml": f"rules: [{{alert: a, when: temp > 8, active: {written}}}]"})

    assert findings == ()
    active = rule_set.rules["a"].active
    assert (active.weekdays, [tuple(each) for each in active.ranges], active.zone) == expected
