"""Figures are what their definitions say, on both databases, and list what they were computed from."""

import random
import statistics

import pytest
from sqlalchemy import select, update

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.incidents.kpi import GROUPS, KPIS, Figure
from iotops.store import incidents, sla, suppressions, topology
from iotops.store.kpi import Period, behind, figures, noisy
from iotops.store.tables import alert, device, incident

ANA = Actor("token", "ana")
DAY = 86_400_000
START = 20_000 * DAY
MINUTE = 60_000
WHOLE = Period(START, START + 10 * DAY, START + 10 * DAY)
RULES = ("warm", "silent", None)


@pytest.fixture
def history(database):
    """Some weeks of incidents, raised, worked on, resolved, reopened and cancelled as a seeded chance has it."""
    chance, told = random.Random(7), []
    with database.begin() as unit:
        topology.create(
            unit, "sla-policies", "default", {"respond_minutes": {"P4": 60}, "resolve_minutes": {"P4": 600}}, 0
        )
        for name in ("a", "b"):
            unit.connection.execute(
                device.insert().values(
                    site="paris",
                    device=name,
                    labels_status={},
                    labels_file={},
                    labels_api={},
                    trust_status=False,
                    first_seen_ms=START - DAY if name == "a" else START + 5 * DAY,
                    first_connected_ms=0,
                    updated_ms=0,
                )
            )
        told += [_live(unit, chance, START - 10 * DAY + place * 8 * 3_600_000, place) for place in range(60)]
    while True:
        with database.begin() as unit:
            if not sla.catch_up(unit, START + 10 * DAY, near=0.8):
                return told


def _live(unit, chance, raised_ms, place):
    """Raise one incident, let people work on it; returns the times at which it opened and closed."""
    number = incidents.create(
        unit, ANA, raised_ms, title=f"no {place}", policy=Policy(), site="paris", device="ab"[place % 2]
    ).number
    turns, at_ms = [(raised_ms, 1)], raised_ms

    def act(action, **details):
        nonlocal at_ms
        at_ms += chance.randint(1, 900) * MINUTE
        incidents.act(unit, number, action, ANA, at_ms, policy=Policy(), **details)

    if chance.random() < 0.8:
        act("acknowledge")
    if chance.random() < 0.8:
        act("resolve", verdict=chance.choice(["real", "false_alarm", None]))
        turns.append((at_ms, -1))
        if chance.random() < 0.3:
            act("reopen")
            turns.append((at_ms, 1))
    elif chance.random() < 0.5:
        act("cancel")
        turns.append((at_ms, -1))
    rule = RULES[place % 3]
    unit.connection.execute(update(incident).where(incident.c.number == number).values(rule=rule))
    return number, turns


def asked(database, kpi, period=WHOLE, by=None):
    with database.read() as unit:
        return figures(unit, kpi, period, by)


def rows_of(database):
    with database.read() as unit:
        return unit.connection.execute(select(incident).order_by(incident.c.id)).all()


def in_words(values):
    """Return a figure of durations by the plain definition."""
    if not values:
        return Figure(None, 0)
    ordered = sorted(values)
    mean = statistics.fmean(values)
    return Figure(mean, len(values), mean, statistics.median(values), ordered[-(-len(ordered) * 9 // 10) - 1])


def within(at_ms):
    return at_ms is not None and WHOLE.from_ms <= at_ms < WHOLE.to_ms


def test_times_are_those_of_the_rows(database, history):
    """Mean, median and p90 of each group are what Python says of the same incidents."""
    rows = rows_of(database)
    for by in (None, "rule"):
        keys = {""} if by is None else set(RULES)
        for key in keys:
            mine = [row for row in rows if by is None or row.rule == key]
            seen = [
                row.acknowledged_ms - row.raised_ms
                for row in mine
                if within(row.raised_ms) and row.acknowledged_ms and not row.auto
            ]
            over = [row.resolved_ms - row.raised_ms for row in mine if within(row.resolved_ms)]
            assert asked(database, "mtta", by=by)[key] == pytest.approx(in_words(seen))
            assert asked(database, "mttr", by=by)[key] == pytest.approx(in_words(over))


def test_the_backlog_of_any_instant_is_what_the_timeline_says(database, history):
    """Counted by hand from when each incident opened and closed; by day too."""
    for hours in (0, 30, 31, 77, 160, 240):
        at_ms = START + hours * 3_600_000
        opened = [number for number, turns in history if sum(way for when, way in turns if when < at_ms)]
        period = Period(START - 20 * DAY, at_ms, START + 10 * DAY)
        with database.read() as unit:
            listed = behind(unit, "backlog", period, by=None, key=None, after=0, limit=100)
        assert asked(database, "backlog", period)[""].n == len(opened)
        assert [each.incident.number for each in listed] == opened

    days = asked(database, "backlog", by="day")
    for place in range(10):
        end_ms = START + (place + 1) * DAY
        expected = sum(sum(way for when, way in turns if when < end_ms) for _, turns in history)
        assert days[str(START + place * DAY)].n == expected


def test_shares_count_what_they_say(database, history):
    """Promises kept, false alarms, resolutions taken back."""
    rows = [row for row in rows_of(database) if within(row.resolved_ms) and row.verdict]
    false = sum(row.verdict == "false_alarm" for row in rows)
    back = [(turns, at) for _, turns in history for at, (when, way) in enumerate(turns) if way < 0 and within(when)]
    cancelled = {row.number for row in rows_of(database) if row.state == "cancelled"}
    resolved = [
        (turns, at)
        for number, turns in history
        for at, (when, way) in enumerate(turns)
        if way < 0 and within(when) and number not in cancelled
    ]

    assert asked(database, "false_alarms")[""] == Figure(pytest.approx(false / len(rows)), len(rows))
    taken = sum(at + 1 < len(turns) for turns, at in resolved)
    assert asked(database, "reopened")[""] == Figure(pytest.approx(taken / len(resolved)), len(resolved))
    assert len(back) > len(resolved)
    kept = asked(database, "sla_respond")[""]
    with database.read() as unit:
        listed = behind(unit, "sla_respond", WHOLE, by=None, key=None, after=0, limit=100)
        clocks = sla.clocks_of(unit, [each.incident for each in listed], WHOLE.now_ms, near=0.8)
    (decided,) = ([clock for number in clocks for _, clock in clocks[number] if clock.kind == "respond"],)
    assert kept.n == len(decided)
    assert kept.value == pytest.approx(sum(clock.breached_ms is None for clock in decided) / len(decided))


def test_every_figure_lists_what_it_was_computed_from(database, history):
    """Page by page, by each group: the rows behind a number are as many as it says."""
    for kpi in KPIS:
        for by in (None, "rule", "day", "device"):
            if kpi == "backlog" and by == "day":
                continue
            for key, figure in asked(database, kpi, by=by).items():
                count, after = 0, 0
                while True:
                    with database.read() as unit:
                        page = behind(unit, kpi, WHOLE, by=by, key=key, after=after, limit=7)
                    count += sum(each.n for each in page)
                    if not page:
                        break
                    after = page[-1].id
                assert count == figure.n, (kpi, by, key)


def test_every_group_is_possible_and_sites_are_kept_apart(database, history):
    """No figure fails by any group, and nothing of another site is counted."""
    elsewhere = Period(WHOLE.from_ms, WHOLE.to_ms, WHOLE.now_ms, ("lyon",))
    for kpi in KPIS:
        for by in GROUPS:
            asked(database, kpi, by=by)
        assert asked(database, kpi, elsewhere)[""].n == 0


@pytest.mark.parametrize("maintained", [(), ("a", "b"), ("b",)])
def test_time_between_failures_is_what_devices_worked(database, history, maintained):
    """Device b is known for five days only; overlapping failures take time once; false alarms are none.

    Planned maintenance is no time of operation, and takes what failures took already no second time; what is raised
    during it is no failure.
    """
    window = {"starts_ms": START - DAY, "ends_ms": START - DAY + 300 * MINUTE, "rrule": "FREQ=DAILY;COUNT=9"}
    said = {"kind": "maintenance", "timezone": "UTC", "until_cleared": False, "reason": "r", "owner": "o"}
    with database.begin() as unit:
        for name in maintained:
            suppressions.create(unit, {**said, **window, "matcher": {"devices": [f"paris/{name}"]}}, "ana", START)
        suppressions.create(unit, {**said, "starts_ms": START, "ends_ms": None, "matcher": {"rules": ["r"]}}, "ana", 0)
    failed = {name: [] for name in "ab"}
    for row in rows_of(database):
        if row.state != "cancelled" and row.verdict != "false_alarm" and row.raised_ms < WHOLE.to_ms:
            failed[row.device].append((row.raised_ms, min(row.resolved_ms or WHOLE.to_ms, WHOLE.to_ms)))
    found = asked(database, "mtbf", by="device")

    for name, known_ms in (("a", 10 * DAY), ("b", 5 * DAY)):
        days = [START + day * DAY for day in range(-1, 8)] if name in maintained else []
        planned = [(max(start, WHOLE.to_ms - known_ms), start + 300 * MINUTE) for start in days]
        hours = {
            minute
            for start, end in failed[name] + planned
            for minute in range(max(start, START) // MINUTE, max(end, START) // MINUTE)
        }
        n = sum(within(start) and not any(a <= start < b for a, b in planned) for start, _ in failed[name])
        worked = known_ms - len(hours) * MINUTE
        mean = pytest.approx(worked / n) if worked >= 0 else None
        assert found[f"paris/{name}"] == Figure(mean, n, mean)
        with database.read() as unit:
            behind_it = behind(unit, "mtbf", WHOLE, by="device", key=f"paris/{name}", after=0, limit=1000)
        assert sum(each.n for each in behind_it) == n


def test_noise_is_what_nobody_acted_on_and_cleared_soon(database):
    """An alert that a person acted on, or that lasted, is no noise; noisy rules are told worst first."""
    with database.begin() as unit:
        system = Actor("system", "iotops")
        for place, (rule, lasted, acted) in enumerate(
            [("warm", 1, False), ("warm", 1, True), ("warm", 4, False), ("silent", 60, False), ("silent", None, False)]
        ):
            number = incidents.create(unit, system, START, title="t", policy=Policy(), site="paris").number
            if acted:
                incidents.act(unit, number, "acknowledge", ANA, START, policy=Policy())
            unit.connection.execute(
                alert.insert().values(
                    id=f"e{place}", rule=rule, instance=f"i{place}", rule_version="", semantic_hash="", site="paris",
                    device="a", state="firing" if lasted is None else "resolved", data="known", severity="info",
                    began_ms=START, fired_ms=START, resolved_ms=None if lasted is None else START + lasted * MINUTE,
                    checked_ms=START, occurrences=1, summary="", machine={}, evidence={}, updated_ms=START,
                    incident_id=incidents.row_id(number),
                )
            )  # fmt: skip

    with database.read() as unit:
        found = noisy(unit, WHOLE, "rule", 10)
        (worst,) = noisy(unit, WHOLE, "device", 10)

    assert asked(database, "noise")[""] == Figure(pytest.approx(0.4), 5)
    assert [(each.key, each.alerts, each.unacted, each.short, each.noise) for each in found] == [
        ("warm", 3, 2, 2, 2),
        ("silent", 2, 2, 0, 0),
    ]
    assert (worst.key, worst.alerts, worst.incidents) == ("paris/a", 5, 5)
