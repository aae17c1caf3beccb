"""Clocks follow the timeline, say what they reach once, and can be computed again."""

import pytest
from sqlalchemy import delete, select, update

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.store import incidents, sla, timeline, topology
from iotops.store.incidents import counts
from iotops.store.tables import incident, sla_clock
from iotops.store.tables import timeline as timeline_table

ANA = Actor("token", "ana")
START = 1_767_600_000_000  # a Monday, 2026-01-05T08:00:00Z
MINUTE = 60_000
GOLD = {"respond_minutes": {"P4": 30}, "resolve_minutes": {"P4": 100}, "pause_on": ["parts"]}


@pytest.fixture
def desk(database):
    return Desk(database)


class Desk:
    def __init__(self, database):
        self.database = database

    def declare(self, kind, entry_id, **said):
        with self.database.begin() as unit:
            topology.create(unit, kind, entry_id, said, START)

    def raise_(self, at_ms=START, **facts):
        with self.database.begin() as unit:
            return incidents.create(unit, ANA, at_ms, title="it stands still", policy=Policy(), **facts).number

    def act(self, number, action, at_ms, **details):
        with self.database.begin() as unit:
            incidents.act(unit, number, action, ANA, at_ms, policy=Policy(), **details)

    def catch_up(self, now_ms, limit=100):
        rounds = 1
        while True:
            with self.database.begin() as unit:
                if not sla.catch_up(unit, now_ms, near=0.8, limit=limit):
                    return rounds
            rounds += 1

    def told(self, number):
        with self.database.read() as unit:
            entries = [stored.entry for stored in timeline.entries(unit, number)]
        return [(each.type, each.data.get("clock")) for each in entries if each.type.startswith(("sla", "promised"))]

    def clocks(self, number, now_ms):
        with self.database.read() as unit:
            shown = sla.clocks_of(unit, [incidents.get(unit, number)], now_ms, near=0.8)
        return {each.clock.kind: each.clock for each in shown.get(number, ())}

    def rows(self):
        with self.database.read() as unit:
            return unit.connection.execute(select(sla_clock).order_by(*sla_clock.primary_key)).all()


def test_without_a_policy_there_is_no_clock(desk):
    """Nothing is promised, nothing is written, and the timeline is not gone through later."""
    number = desk.raise_()

    desk.catch_up(START)

    assert (desk.clocks(number, START), desk.rows(), desk.told(number)) == ({}, [], [])


def test_what_clocks_reach_is_written_once_whoever_asks_how_often(desk):
    """Near and breach of each clock are one entry each, however often the job runs, and over a restart."""
    desk.declare("sla-policies", "default", **GOLD)
    number = desk.raise_()
    for minutes in (0, 0, 24, 25, 30, 31, 31, 80, 81, 101, 200, 200):
        desk.catch_up(START + minutes * MINUTE)

    assert desk.told(number) == [
        ("promised", None),
        ("sla_near", "respond"),
        ("sla_breached", "respond"),
        ("sla_near", "resolve"),
        ("sla_breached", "resolve"),
    ]
    desk.act(number, "resolve", START + 210 * MINUTE)
    desk.act(number, "reopen", START + 220 * MINUTE)
    desk.catch_up(START + 900 * MINUTE)
    assert len(desk.told(number)) == 5


def test_a_clock_is_exact_before_and_after_the_job_ran(desk):
    """What a reader sees does not depend on how far the cache is."""
    desk.declare("sla-policies", "default", **GOLD)
    number = desk.raise_()
    before = desk.clocks(number, START + 40 * MINUTE)
    desk.catch_up(START)
    after = desk.clocks(number, START + 40 * MINUTE)
    desk.act(number, "assign", START + 41 * MINUTE, assignee="ana")
    desk.act(number, "hold", START + 50 * MINUTE, reason="Parts")
    live = desk.clocks(number, START + 70 * MINUTE)
    desk.catch_up(START + 60 * MINUTE)

    assert before == after
    assert live == desk.clocks(number, START + 70 * MINUTE)
    assert (live["respond"].state, live["respond"].breached_ms) == ("stopped", START + 30 * MINUTE)
    assert (live["resolve"].state, live["resolve"].left_ms) == ("paused", 50 * MINUTE)


def test_what_was_promised_stays_promised(desk):
    """A policy that changes, or goes, changes nothing for incidents that it was promised to; new ones get the new."""
    desk.declare("sla-policies", "default", **GOLD)
    old = desk.raise_()
    desk.catch_up(START)
    with desk.database.begin() as unit:
        topology.change(unit, "sla-policies", "default", {"resolve_minutes": {"P4": 7}}, START)
    new = desk.raise_()
    desk.catch_up(START)

    assert desk.clocks(old, START)["resolve"].due_ms == START + 100 * MINUTE
    assert desk.clocks(new, START)["resolve"].due_ms == START + 7 * MINUTE


def test_open_incidents_get_the_promise_of_a_policy_that_comes_later(desk):
    """The clock counts from when the incident was raised; what is over is promised nothing."""
    numbers = [desk.raise_() for _ in range(5)]
    desk.act(numbers[0], "resolve", START + MINUTE)
    desk.catch_up(START + MINUTE)
    desk.declare("sla-policies", "default", **GOLD)

    desk.catch_up(START + 5 * MINUTE, limit=2)

    clocks = [desk.clocks(number, START + 5 * MINUTE) for number in numbers]
    assert [sorted(found) for found in clocks] == [[]] + [["resolve", "respond"]] * 4
    assert clocks[1]["resolve"].left_ms == 95 * MINUTE


def test_the_service_names_the_policy_and_the_site_the_calendar(desk):
    """Due times are those of the site's hours in the site's time zone."""
    desk.declare("calendars", "office", hours={"mon-fri": "08:00-17:00"}, holidays="FR", closed=["2026-01-06"])
    desk.declare("sla-policies", "default", resolve_minutes={"P5": 1})
    desk.declare("sla-policies", "gold", resolve_minutes={"P4": 600})
    desk.declare("services", "cash", sla_policy="gold", criticality="C")
    desk.declare("sites", "paris", timezone="Europe/Paris", calendar="office")
    number = desk.raise_(site="paris")
    with desk.database.begin() as unit:
        unit.connection.execute(update(incident).values(service="cash", supplier="cashco"))
    desk.declare("calendars", "always")
    desk.declare("sla-policies", "truck", resolve_minutes={"P4": 60}, calendar="always")
    desk.declare("suppliers", "cashco", sla_policy="truck")

    desk.catch_up(START)

    clocks = desk.clocks(number, START)
    # 9:00 in Paris: eight hours are left of Monday, Tuesday is closed, two hours of Wednesday.
    assert clocks["resolve"].due_ms == START + 48 * 60 * MINUTE + MINUTE * 60
    assert clocks["supplier"].due_ms == START + 60 * MINUTE
    assert "respond" not in clocks


def test_every_clock_can_be_computed_again(desk):
    """A cache that was damaged is told, repaired, and told no more."""
    desk.declare("sla-policies", "default", **GOLD)
    numbers = [desk.raise_(START + 7 * place * MINUTE) for place in range(6)]
    desk.catch_up(START + 40 * MINUTE)
    desk.act(numbers[0], "acknowledge", START + 41 * MINUTE)
    desk.act(numbers[1], "resolve", START + 42 * MINUTE)
    desk.act(numbers[2], "cancel", START + 43 * MINUTE)
    desk.catch_up(START + 50 * MINUTE)
    whole = desk.rows()
    now_ms = START + 90 * MINUTE

    assert sla.rebuild(desk.database, now_ms, check=True) == sla.Rebuilt(12, 0, ())
    with desk.database.begin() as unit:
        unit.connection.execute(delete(sla_clock).where(sla_clock.c.incident_id == 2))
        unit.connection.execute(update(sla_clock).where(sla_clock.c.incident_id == 3).values(breached_ms=5))
    assert sla.rebuild(desk.database, now_ms, check=True).different == 4
    sla.rebuild(desk.database, now_ms, check=False)

    assert sla.rebuild(desk.database, now_ms, check=True).different == 0
    assert [row for row in desk.rows() if row.incident_id != 2] == [row for row in whole if row.incident_id != 2]


def test_the_timeline_says_nothing_of_clocks_that_it_does_not_give(desk):
    """Every breach on the timeline is one that the clock computed from the timeline has."""
    desk.declare("sla-policies", "default", **GOLD)
    number = desk.raise_()
    desk.act(number, "acknowledge", START + 30 * MINUTE)

    desk.catch_up(START + 60 * MINUTE)

    assert desk.told(number) == [("promised", None), ("sla_near", "respond")]
    with desk.database.read() as unit:
        found = unit.connection.execute(
            select(timeline_table.c.data).where(timeline_table.c.type == "sla_near")
        ).scalar()
    assert found == {"clock": "respond", "policy": "default", "due_at": "2026-01-05T08:30:00Z"}


@pytest.mark.parametrize("many", [0, 2_000])
def test_what_is_due_is_counted_alike_among_few_and_among_many(database, desk, monkeypatch, many):
    """Two ways to the same number: an incident counts once, and only where it is open and passes the filters."""
    monkeypatch.setattr(counts, "_MANY", many)
    desk.declare("sla-policies", "default", respond_minutes={"P4": 30}, resolve_minutes={"P4": 40})
    for site in ("paris", "paris", "lyon"):
        desk.raise_(site=site)
    desk.raise_(START + 5 * MINUTE, site="paris")
    desk.catch_up(START + 6 * MINUTE)
    desk.act("2", "resolve", START + 6 * MINUTE, code="repaired")  # the clocks have not followed yet

    def due(at_minutes, **filters):
        now_ms = START + at_minutes * MINUTE
        with database.read() as unit:
            found = incidents.count(unit, incidents.Filters(**filters), now_ms, now_ms + 30 * MINUTE)
        return found.breaching, found.late

    assert [due(minutes) for minutes in (0, 5, 32, 60)] == [(2, 0), (3, 0), (3, 2), (3, 3)]
    assert due(32, site=("paris",)) == (2, 1)
    assert due(32, state=("resolved",)) == (0, 0)
