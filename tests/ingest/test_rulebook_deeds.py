"""Editions of the rules in the chain of deeds: what was added, changed, removed, and what was refused."""

import pytest
from plant import Plant

from iotops.store import deeds
from iotops.store.database import Database

FIRST = "rules:\n  - {alert: warm, when: temp > 5}\n  - {alert: cold, when: temp < 0}\n"
SECOND = "rules:\n  - {alert: warm, when: temp > 6}\n  - {alert: damp, when: rh > 90}\n"


@pytest.fixture
def plant(database_url, tmp_path):
    (tmp_path / "a.yaml").write_text(FIRST)
    opened = Database.open(database_url)
    opened.upgrade()
    yield Plant(opened, tmp_path)
    opened.close()


def told(plant):
    with plant.database.read() as unit:
        return [found.deed for found in reversed(deeds.page(unit, limit=99))]


def rewrite(plant, text):
    """Change the file; a change counts once two looks have found the same."""
    (plant.rules / "a.yaml").write_text(text)
    plant.look()
    plant.look()


def test_every_edition_that_differs_is_told_once(plant):
    """Added, changed and removed rules with the digest under which the texts are kept; a restart is no change."""
    rewrite(plant, SECOND)
    plant.restart()

    first, second = told(plant)
    assert (first.action, first.data) == ("rules_loaded", {"added": ["clock_skew", "cold", "data_gap", "warm"]})
    assert second.data == {"added": ["damp"], "changed": ["warm"], "removed": ["cold"]}
    assert len({first.object, second.object}) == 2
    assert {(each.actor_kind, each.outcome) for each in (first, second)} == {("system", "done")}


def test_files_that_are_refused_are_told_once_with_their_fault(plant):
    """However often ingest looks at a broken file, the refusal is one deed."""
    rewrite(plant, "rules: [{alert: broken}]\n")
    plant.look()
    plant.look()

    (refused,) = [each for each in told(plant) if each.outcome == "denied"]
    assert refused.action == "rules_refused"
    assert "broken" in refused.data["error"]
