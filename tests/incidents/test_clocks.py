"""Clocks of promises against the plain definition: step through the minutes and count."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.incidents.business_time import after_counted, counted_ms
from iotops.incidents.clocks import clock_of
from iotops.incidents.incident import SYSTEM
from iotops.incidents.promise import Promise, promise_from, reasons
from iotops.incidents.timeline import Entry
from iotops.rules.calendar import Calendar, read_closed, read_holidays, read_timezone, read_week

MINUTE = 60_000
HOUR = 60 * MINUTE


def at(text: str) -> int:
    """Unix milliseconds of an ISO instant in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


OFFICE = read_week({"mon-fri": "08:00-12:00, 13:00-17:00", "sat": "01:30-02:30"})
NIGHTS = read_week({"mon-sun": "00:00-03:30, 22:00-24:00"})
# Around changes of daylight saving time: Paris, New York, Lord Howe (half an hour), and a country without any.
EDGES = {
    "Europe/Paris": ("2026-03-28T12:00", "2026-10-24T12:00"),
    "America/New_York": ("2026-03-07T18:00", "2026-10-31T18:00"),
    "Australia/Lord_Howe": ("2026-04-04T00:00", "2026-10-03T00:00"),
    "Asia/Kolkata": ("2026-08-14T00:00", "2026-10-01T00:00"),
}


def counts(calendar: Calendar, minute_ms: int) -> bool:
    """Say by the definition whether a minute counts."""
    local = datetime.fromtimestamp(minute_ms / 1000, ZoneInfo(calendar.timezone))
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in calendar.spans(local.date()))


@st.composite
def calendars(draw):
    zone = draw(st.sampled_from(sorted(EDGES)))
    holidays = {"Europe/Paris": "FR", "America/New_York": "US-NY"}.get(zone, "")
    start = at(draw(st.sampled_from(EDGES[zone])))
    closed = () if draw(st.booleans()) else (datetime.fromtimestamp(start / 1000, UTC).date().isoformat(),)
    return Calendar(zone, draw(st.sampled_from([OFFICE, NIGHTS])), holidays, closed), start


@settings(max_examples=40, deadline=None)
@given(calendars(), st.integers(0, 1_500), st.integers(0, 3_000))
def test_business_time_is_the_minutes_that_count(case, skip, length):
    """Over daylight saving, holidays and closed days the sum is that of the minutes, and the way back finds its end."""
    calendar, start = case
    begin = start + skip * MINUTE
    minutes = [counts(calendar, begin + step * MINUTE) for step in range(length)]

    total = counted_ms(calendar, begin, begin + length * MINUTE)

    assert total == sum(minutes) * MINUTE
    if sum(minutes):
        last = max(step for step, found in enumerate(minutes) if found) + 1
        assert after_counted(calendar, begin, total) == begin + last * MINUTE


STORY = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.sampled_from(
            [
                "acknowledged",
                "held parts",
                "held lunch",
                "resumed",
                "resolved",
                "reopened",
                "P1",
                "P2",
                "P4",
                "commented",
            ]
        ),
    ),
    max_size=9,
)


def entries_of(start: int, story) -> list[Entry]:
    entries = [Entry("raised", start, SYSTEM, {"priority": "P2"})]
    for gap, what in story:
        at_ms = entries[-1].at_ms + gap * MINUTE
        if what.startswith("held"):
            entries.append(Entry("held", at_ms, SYSTEM, {"reason": what.removeprefix("held ")}))
        elif what.startswith("P"):
            entries.append(Entry("edited", at_ms, SYSTEM, {"priority": {"from": "?", "to": what}}))
        else:
            entries.append(Entry(what, at_ms, SYSTEM, {}))
    return entries


def said_by(entry: Entry) -> dict:
    """What an entry changes, told as plainly as can be."""
    return {
        "acknowledged": lambda: {"seen": True},
        "held": lambda: {"waits": entry.data["reason"]},
        "resumed": lambda: {"waits": None},
        "resolved": lambda: {"is_open": False, "waits": None},
        "reopened": lambda: {"is_open": True},
        "edited": lambda: {"priority": entry.data["priority"]["to"]},
    }.get(entry.type, dict)()


def stepped(entries, promise: Promise, kind: str, now_ms: int):
    """Walk through the minutes: used, near and breached, and whether it runs at the end."""
    used, near, breached, due = 0, None, None, list(entries)
    now = {"priority": "P2", "is_open": True, "seen": False, "waits": None}
    minute = entries[0].at_ms
    while True:
        while due and due[0].at_ms <= minute:
            now |= said_by(due.pop(0))
        running = now["is_open"] and not (kind == "respond" and now["seen"]) and now["waits"] not in promise.pause_on
        if minute >= now_ms:
            return used, near, breached, running
        if running:
            target = promise.target_ms(kind, now["priority"])
            if target is not None and used >= round(target * promise.near):
                near = minute if near is None else near
            if target is not None and used >= target:
                breached = minute if breached is None else breached
            used += MINUTE * counts(promise.calendar, minute)
        minute += MINUTE


@settings(max_examples=120, deadline=None)
@given(calendars(), st.integers(0, 1_400), STORY, st.sampled_from(["respond", "resolve", "supplier"]))
def test_clocks_are_what_stepping_through_the_minutes_gives(case, skip, story, kind):
    """Started, paused, re-aimed, reopened: time used, near and breach are those of the plain definition."""
    calendar, start = case
    promise = Promise(
        "gold",
        {"P1": 20, "P2": 60, "P4": 300},
        {"P1": 60, "P2": 240},  # P4 is promised nothing
        ("parts",),
        0.5,
        calendar,
    )
    entries = entries_of(start + skip * MINUTE, story)
    now_ms = entries[-1].at_ms + 700 * MINUTE

    clock = clock_of(entries, promise, kind, now_ms)
    used, near, breached, running = stepped(entries, promise, kind, now_ms)

    if clock is None:
        assert breached is None
        return
    assert (clock.used_ms, clock.near_ms, clock.breached_ms) == (used, near, breached)
    assert (clock.state == "running") == running
    if clock.next_ms is not None:
        later = clock_of(entries, promise, kind, clock.next_ms)
        assert (later.near_ms, later.breached_ms) != (clock.near_ms, clock.breached_ms)


@pytest.mark.parametrize(
    ("story", "kind", "expected"),
    [
        ([], "respond", ("running", "2026-06-01T08:30", None, None)),
        ([(10, "acknowledged")], "respond", ("stopped", "2026-06-01T08:30", "2026-06-01T08:10", None)),
        ([(31, "acknowledged")], "respond", ("stopped", "2026-06-01T08:30", "2026-06-01T08:31", "2026-06-01T08:30")),
        ([(30, "acknowledged")], "respond", ("stopped", "2026-06-01T08:30", "2026-06-01T08:30", None)),
        ([(10, "resolved"), (60, "reopened")], "respond", ("running", "2026-06-01T09:30", None, None)),
        ([(10, "P1")], "resolve", ("running", "2026-06-01T09:00", None, "2026-06-01T09:00")),
        ([(90, "P1")], "resolve", ("running", "2026-06-01T09:30", None, "2026-06-01T09:30")),
        ([(10, "held parts")], "resolve", ("paused", None, None, None)),
        ([(10, "held PARTS "), (60, "resumed")], "resolve", ("running", "2026-06-01T11:00", None, None)),
        ([(10, "held lunch")], "resolve", ("running", "2026-06-01T10:00", None, None)),
        ([(10, "cancelled")], "resolve", ("cancelled", "2026-06-01T10:00", "2026-06-01T08:10", None)),
        ([(10, "resolved"), (5, "P1")], "resolve", ("stopped", "2026-06-01T10:00", "2026-06-01T08:10", None)),
    ],
)
def test_a_clock_tells_when_it_is_due_and_how_it_ended(story, kind, expected):
    """Raised at 8:00 with 30 minutes to respond and two hours (P1: one) to resolve."""
    promise = Promise("gold", {"P2": 30}, {"P1": 60, "P2": 120}, reasons(["Parts"]))
    entries = entries_of(at("2026-06-01T08:00"), story)

    clock = clock_of(entries, promise, kind, entries[-1].at_ms + 20 * MINUTE if story else entries[0].at_ms)

    times = (None if text is None else at(text) for text in expected[1:])
    if expected[3] and clock.state == "running":  # seen only after its time
        clock = clock_of(entries, promise, kind, at(expected[3]) + 1)
    assert (clock.state, clock.due_ms, clock.stopped_ms, clock.breached_ms) == (expected[0], *times)


def test_a_promise_for_another_priority_makes_no_clock():
    """Where nothing is promised there is nothing to show, until the priority is one that has a promise."""
    promise = Promise("gold", {}, {"P1": 60})
    entries = entries_of(0, [(5, "P1")])

    assert clock_of(entries[:1], promise, "resolve", MINUTE) is None
    assert clock_of(entries, promise, "respond", HOUR) is None
    assert clock_of(entries, promise, "resolve", 5 * MINUTE).due_ms == HOUR


def test_a_promise_survives_being_stored():
    """What is kept gives the same promise back, and the same digest."""
    promise = Promise(
        "gold", {"P1": 5}, {"P1": 60}, ("parts",), 0.75, Calendar("Europe/Paris", OFFICE, "FR", ("2026-12-24",))
    )

    again = promise_from(promise.content)

    assert again == promise
    assert again.digest == promise.digest != Promise("gold").digest


def test_a_calendar_that_never_counts_is_never_due():
    """Closed all week: no instant comes at which the time is used up, and looking for it ends."""
    assert after_counted(Calendar(week=((),) * 7), 0, MINUTE) is None


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (read_week, {"monday": "08:00-09:00"}),
        (read_week, {"fri-mon": "08:00-09:00"}),
        (read_week, {"mon": "8-9"}),
        (read_week, {"mon": "09:00-08:00"}),
        (read_week, {"mon": "08:00-10:00, 09:00-11:00"}),
        (read_week, {"mon": "24:00-24:00"}),
        (read_week, {"mon-tue": "08:00-09:00", "tue": "10:00-11:00"}),
        (read_holidays, "Atlantis"),
        (read_holidays, "US-XX"),
        (read_closed, ["24.12.2026"]),
        (read_timezone, "../etc"),
    ],
)
def test_calendars_that_make_no_sense_are_refused(read, said):
    """Each with what was expected."""
    with pytest.raises(ValueError, match=r"write|say|past midnight"):
        read(said)


def test_a_week_reads_ranges_and_single_days():
    """A day not named is closed."""
    week = read_week({"mon-tue": "08:00-12:00,13:00-24:00", "sun": "00:00-01:00"})

    assert week == (((480, 720), (780, 1440)),) * 2 + ((),) * 4 + (((0, 60),),)
    assert Calendar(week=week).spans(datetime.fromtimestamp(0, UTC).date() + timedelta(days=4)) == (
        (480, 720),
        (780, 1440),
    )
