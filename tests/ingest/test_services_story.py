"""The cash machine without cash: every technical part is green, and the incident names the supplier."""

import shutil
from pathlib import Path

import pytest
from plant import MINUTE_MS, Plant

from iotops.store import incidents, sla, topology
from iotops.store.database import Database

RULES = Path(__file__).parents[2] / "rules"
DEVICES = """\
devices:
  - {site: branch-01, device: atm-01, type: atm, service: cash}
  - {site: branch-01, device: atm-02, type: atm, service: cash}
  - {site: branch-01, device: atm-03, type: atm, service: cash}
  - {site: branch-01, device: cash-01, type: cash_feed, service: cash, supplier: cashco}
"""


@pytest.fixture
def database(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'story.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def plant(database, tmp_path):
    rules = tmp_path / "rules"
    shutil.copytree(RULES, rules)
    (rules / "devices.yaml").write_text(DEVICES)
    return Plant(database, rules)


def minutes(plant, count, **overdue):
    """Let all machines say that they are well, and the supplier what it says."""
    for minute in range(count):
        plant.wait(MINUTE_MS)
        well = {"cash": 80, "card_errors": 2, "withdrawals": minute}
        plant.process(
            *(plant.message(f"branch-01/atm-0{number}/telemetry", well) for number in (1, 2, 3)),
            plant.message("branch-01/cash-01/telemetry", overdue),
        )


def all_incidents(database):
    with database.read() as unit:
        return incidents.page(unit, incidents.Filters(), sort="number", limit=9).items


def test_a_missing_delivery_is_an_incident_on_the_service_that_names_the_supplier(plant, database):
    """The machines are in order; the service cash, criticality A, is P1, its supplier's, and the logistics team's."""
    minutes(plant, 5, overdue=0)
    minutes(plant, 3, overdue=1.5)

    (found,) = all_incidents(database)
    assert (found.rule, found.service, found.supplier, found.team) == (
        "cash_delivery_missing",
        "cash",
        "cashco",
        "cash-logistics",
    )
    assert (found.priority, found.priority_reason["impact"]["because"]) == ("P1", "criticality of service cash is A")
    assert found.priority_reason["impact"]["services"] == [
        {"value": 1, "service": "cash", "criticality": "A", "affected": 1, "of": 4}
    ]


def test_the_suppliers_own_promise_is_clocked(plant, database):
    """Four hours from when the incident was raised; a delivery after that stops a clock that is breached."""
    minutes(plant, 8, overdue=1.5)
    hour_ms = 60 * MINUTE_MS
    (found,) = all_incidents(database)
    with database.begin() as unit:
        sla.catch_up(unit, found.raised_ms + 5 * hour_ms, near=0.8)
    with database.read() as unit:
        (shown,) = sla.clocks_of(unit, [found], found.raised_ms + 5 * hour_ms, near=0.8).values()

    assert [(each.policy, each.clock.kind, each.clock.target_ms, each.clock.breached_ms) for each in shown] == [
        ("cash-rounds", "supplier", 4 * hour_ms, found.raised_ms + 4 * hour_ms)
    ]


def test_what_people_say_of_a_service_counts_from_the_next_incident_on(plant, database):
    """A criticality set through the API beats the file within a look; the service's team owns what no rule does."""
    minutes(plant, 5, overdue=0)
    with database.begin() as unit:
        topology.change(unit, "services", "cash", {"criticality": "C"}, plant.now_ms)
    plant.look()
    for _ in range(8):
        plant.wait(MINUTE_MS)
        plant.process(plant.message("branch-01/atm-01/telemetry", {"cash": 80, "card_errors": 50}))

    found = next(each for each in all_incidents(database) if each.rule == "card_reader_failing")
    assert (found.priority, found.team, found.supplier) == ("P3", "atm", None)


def test_a_broken_services_file_leaves_what_was_loaded(plant, database):
    """The old edition stays in force, and the file that is right again is taken up."""
    (plant.rules / "services.yaml").write_text("services:\n  - {id: cash, criticality: Z}\n")
    plant.look()
    plant.look()
    with database.read() as unit:
        kept = topology.get(unit, "services", "cash").members["criticality"]
    (plant.rules / "services.yaml").write_text("services:\n  - {id: cash, criticality: B}\n")
    plant.look()
    plant.look()
    with database.read() as unit:
        now = topology.get(unit, "services", "cash").members["criticality"]

    assert (kept, now) == ("A", "B")
