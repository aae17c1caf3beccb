"""Quiet time on its page: what is kept back now, next and no more."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from iotops.console.quiet import calendar, said
from iotops.durations import parse_instant

HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}"
NOW_MS = parse_instant("2026-03-28T12:00:00Z")
PARIS = ZoneInfo("Europe/Paris")


def test_a_silence_is_made_shown_and_ended_by_forms(operator):
    """Whom it is about, who answers for it and why, whatever is written; a second click makes no second one."""
    page = operator.open("/quiet")
    form = {"csrf": page.field("csrf"), "once": "o-plan", "kind": "silence", "owner": "mara", "reason": HOSTILE}
    form |= {"lasting": "cleared", "labels": "room=lab*, room=hall", "rules": "warm"}
    operator.submit("/quiet", form)
    shown = operator.submit("/quiet", form)
    ended = operator.submit("/quiet/SUP-000001/end", {"csrf": page.field("csrf"), "once": "o-end"})

    assert all(text in shown.text for text in ("Now 1", "until all is clear", "owner mara", "lab* or hall", HOSTILE))
    assert HOSTILE not in shown.html
    assert ("Now 0" in ended.text, "Past 1" in ended.text) == (True, True)


@pytest.mark.parametrize("wrong", [{"reason": ""}, {"sites": ""}, {"lasting": "", "ends": "soon"}, {"starts": "soon"}])
def test_what_cannot_be_is_refused_in_the_words_of_the_api(operator, wrong):
    """Nobody meant, no reason, times that are none."""
    csrf = operator.open("/quiet").field("csrf")
    form = {"csrf": csrf, "kind": "silence", "owner": "mara", "reason": "paint", "sites": "paris", "lasting": "1h"}

    assert operator.submit("/quiet", form | wrong).status == 422


def test_a_recurring_window_stands_on_each_of_its_days_across_a_change_of_clocks():
    """Two in the night by the wall clock, also on the day that has no such hour."""
    weekly = {
        "id": "SUP-1",
        "kind": "maintenance",
        "reason": "defrost",
        "ended_at": None,
        "timezone": "Europe/Paris",
        "starts_at": "2026-03-21T21:00:00Z",
        "ends_at": "2026-03-22T03:00:00Z",
        "rrule": "FREQ=WEEKLY",
    }

    days = {day.date.isoformat(): day.entries for day in calendar([weekly], NOW_MS, PARIS) if day.entries}

    assert {date: [(each.begins, each.ends) for each in entries] for date, entries in days.items()} == {
        "2026-03-28": [("22:00", None)],
        "2026-03-29": [(None, "04:00")],
        "2026-04-04": [("22:00", None)],
        "2026-04-05": [(None, "04:00")],
    }


def test_times_of_the_form_are_those_of_the_visitor():
    """What somebody in Paris types is an instant in Paris; a length counts from the beginning."""
    form = {"kind": "maintenance", "starts": "2026-03-30T08:00", "lasting": "4h", "devices": "paris/a, paris/b"}

    asked = said(form, NOW_MS, PARIS)

    assert (asked["starts_at"], asked["ends_at"]) == ("2026-03-30T06:00:00Z", "2026-03-30T10:00:00Z")
    assert asked["matcher"] == {"devices": ["paris/a", "paris/b"]}
    assert said({"lasting": "1h"}, NOW_MS, UTC)["ends_at"] == "2026-03-28T13:00:00Z"
