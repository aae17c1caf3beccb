"""Pages of incidents: whatever the filter and the order, together they are the plain sorted list."""

import random

import pytest
from sqlalchemy import insert, update

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import SYSTEM, State
from iotops.rules.rule import Severity
from iotops.store import incidents
from iotops.store.incidents.orders import SORTABLE
from iotops.store.incidents.pages import Filters
from iotops.store.tables import incident

STATES = [state.value for state in State]
SEVERITIES = [severity.word for severity in Severity]
PRIORITIES = ["P1", "P2", "P3", "P4", "P5"]
MACHINE = {"cleared_ms": None, "grace_ms": None, "grace_spent": False, "recurrence_of": None, "flaps": []}


def a_row(number, chance):
    return {
        "number": f"INC-{number:06d}",
        "title": f"{chance.choice(['Warm', 'cold', '100%_full'])} {number}",
        "state": chance.choice(STATES),
        "data": "known",
        "severity": chance.choice(SEVERITIES),
        "priority": chance.choice(PRIORITIES),
        "priority_reason": {},
        "site": chance.choice(["paris", "rome", None]),
        "device": chance.choice(["fz-1", "fz-2"]),
        "rule": chance.choice(["warm", "silent"]),
        "assignee": chance.choice(["ana", "bo", None]),
        "raised_ms": chance.randrange(12),  # few values: many ties
        "auto": False,
        "flapping": False,
        "evidence": {},
        "machine": MACHINE,
        "version": 1,
    }


@pytest.fixture
def rows(database):
    chance = random.Random(7)
    made = [a_row(number, chance) for number in range(1, 151)]
    with database.begin() as unit:
        unit.connection.execute(insert(incident), made)
    return [{**row, "id": place} for place, row in enumerate(made, start=1)]


def all_pages(unit, filters, sort, limit):
    """Return the numbers of all pages in order, and how many pages there were."""
    numbers, after, pages = [], None, 0
    while True:
        page = incidents.page(unit, filters, sort=sort, after=after, limit=limit)
        numbers.extend(found.number for found in page.items)
        pages += 1
        if page.next_key is None:
            return numbers, pages
        assert len(page.items) == limit
        after = page.next_key


RANK = {
    "raised_at": lambda row: row["raised_ms"],
    "number": lambda row: row["id"],
    "priority": lambda row: -PRIORITIES.index(row["priority"]),
    "severity": lambda row: SEVERITIES.index(row["severity"]),
    "state": lambda row: STATES.index(row["state"]),
}


def plainly_sorted(rows, sort):
    names = sort.split(",")
    last = names[-1].startswith("-")
    if not {"raised_at", "number"} & {name.removeprefix("-") for name in names}:
        names.append("-raised_at" if last else "raised_at")
    ordered = sorted(rows, key=lambda row: row["id"], reverse=last)
    for name in reversed(names):  # sorting is stable: the last criterion first
        ordered.sort(key=RANK[name.removeprefix("-")], reverse=name.startswith("-"))
    return [row["number"] for row in ordered]


@pytest.mark.parametrize(
    "sort",
    [
        "-raised_at",
        "raised_at",
        "-priority,raised_at",
        "priority,-raised_at",
        "-severity,-raised_at",
        "state,-priority,raised_at",
        "-number",
    ],
)
def test_all_pages_together_are_the_sorted_list(database, rows, sort):
    """Every row once, in the order asked for, ties and both directions included, whatever the size of a page."""
    limits = (1, 7, 50, 149, 150, 200)

    with database.read() as unit:
        found = {limit: all_pages(unit, Filters(), sort, limit) for limit in limits}

    assert found == {limit: (plainly_sorted(rows, sort), -(-150 // limit)) for limit in limits}


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        (Filters(state=("new",)), lambda row: row["state"] == "new"),
        (Filters(state=("new", "closed")), lambda row: row["state"] in ("new", "closed")),
        (Filters(priority=("P1", "P2"), site=("rome",)), lambda row: row["priority"] < "P3" and row["site"] == "rome"),
        (Filters(assignee=("ana",)), lambda row: row["assignee"] == "ana"),
        (
            Filters(device=("fz-2",), rule=("warm",)),
            lambda row: (row["device"], row["rule"]) == ("fz-2", "warm"),
        ),
        (Filters(since_ms=3, until_ms=9), lambda row: 3 <= row["raised_ms"] < 9),
        (Filters(q="WARM"), lambda row: "warm" in row["title"].lower() or row["rule"] == "warm"),
        (Filters(q="%_f"), lambda row: "%_f" in row["title"]),
        (Filters(q="INC-17"), lambda row: row["id"] == 17),
        (Filters(q='old"'), lambda row: False),
        (Filters(q="ol"), lambda row: "ol" in row["title"].lower()),
        (Filters(q="fz-2"), lambda row: row["device"] == "fz-2"),
        (
            Filters(q="rome", state=("new", "closed")),
            lambda row: row["site"] == "rome" and row["state"] in "new closed",
        ),
        (Filters(service=("Till",)), lambda row: False),
        (Filters(site=("Paris",)), lambda row: False),
    ],
)
def test_filters_choose_what_a_plain_loop_would(database, rows, filters, passes):
    """Values of one filter are alternatives, filters narrow each other, text is searched literally."""
    with database.read() as unit:
        numbers, _ = all_pages(unit, filters, "-priority,raised_at", 9)

    assert numbers == plainly_sorted([row for row in rows if passes(row)], "-priority,raised_at")


@pytest.mark.parametrize(
    "sort", ["-severity", "severity,-raised_at", "-priority", "state", "raised_at", "-severity,priority"]
)
def test_several_states_come_in_one_order(database, rows, sort):
    """States that were looked up apart are told as one list, in whatever order and with any size of a page."""
    chosen = ("new", "on_hold", "resolved")

    with database.read() as unit:
        found = [all_pages(unit, Filters(state=chosen), sort, limit)[0] for limit in (1, 20, 200)]

    assert found == [plainly_sorted([row for row in rows if row["state"] in chosen], sort)] * 3


def test_a_search_follows_what_is_written(database, rows):
    """A title that was changed is found by its new words and no more by its old ones."""
    with database.begin() as unit:
        unit.connection.execute(update(incident).where(incident.c.id == 9).values(title="Zeppelin over Rome"))

    with database.read() as unit:
        found = {q: all_pages(unit, Filters(q=q), "number", 50)[0] for q in ("zeppelin", rows[8]["title"])}

    assert found["zeppelin"] == ["INC-000009"]
    assert "INC-000009" not in found[rows[8]["title"]]


def test_new_rows_do_not_shift_a_page(database, rows):
    """Incidents that are raised while somebody pages through are neither skipped over nor told twice."""
    with database.read() as unit:
        first = incidents.page(unit, Filters(), sort="-raised_at", limit=10)

    with database.begin() as unit:
        incidents.create(unit, SYSTEM, 10**12, title="newest", policy=Policy())
    with database.read() as unit:
        second = incidents.page(unit, Filters(), sort="-raised_at", after=first.next_key, limit=10)

    numbers = [found.number for found in (*first.items, *second.items)]
    assert numbers == plainly_sorted(rows, "-raised_at")[:20]


@pytest.mark.parametrize("sort", ["", "colour", "priority,priority", "-priority,priority", "raised_at,", "--number"])
def test_an_unknown_order_is_refused_by_name(database, sort):
    """What cannot be sorted by is said, with what can."""
    with database.read() as unit, pytest.raises(ValueError, match="raised_at, number, priority"):
        incidents.page(unit, Filters(), sort=sort, limit=5)


@pytest.mark.parametrize("key", [(), (1,), (1, 2, 3), ("x", 1), (1, None), (True, 1), (1.5, 1)])
def test_a_key_of_another_order_is_refused(database, key):
    """A key must have a value of the right type for every term."""
    with database.read() as unit, pytest.raises(ValueError, match="cursor"):
        incidents.page(unit, Filters(), sort="raised_at", after=key, limit=5)


def test_everything_sortable_is_tested_here():
    """The plain sort of these tests knows every order that there is."""
    assert RANK.keys() == SORTABLE.keys()
