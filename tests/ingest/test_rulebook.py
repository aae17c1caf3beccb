"""Rules in force follow the files, and survive broken ones."""

import pytest

from iotops.errors import RuleFileError
from iotops.ingest.rulebook import Rulebook

GOOD = "rules:\n  - alert: hot\n    when: temp > 30\n"


def settled(book):
    """Look as often as it takes for a change to count."""
    return book.changed() or book.changed()


def test_changed_file_gives_a_new_edition(tmp_path):
    """An edit is read once; what did not change is not read again."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = Rulebook(tmp_path)
    assert list(book.open().rules.rules) == ["clock_skew", "data_gap", "hot"]

    assert book.changed() is None
    file.write_text(GOOD.replace("hot", "very_hot"))
    edition = settled(book)

    assert edition is not None
    assert list(edition.rules.rules) == ["clock_skew", "data_gap", "very_hot"]
    assert book.changed() is None


def test_broken_file_keeps_the_old_edition_and_says_why(tmp_path):
    """A broken edit gives no edition, an error, and after the repair a new edition."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = Rulebook(tmp_path)
    book.open()

    file.write_text("rules:\n  - alert: hot\n    when: temp >\n")
    assert settled(book) is None
    assert "a.yaml:3:" in str(book.error)

    file.write_text(GOOD + "    for: 1m\n")
    assert settled(book) is not None
    assert book.error is None


def test_first_reading_of_broken_files_is_refused(tmp_path):
    """There is nothing to keep at the start."""
    (tmp_path / "a.yaml").write_text("rules: 7\n")

    with pytest.raises(RuleFileError):
        Rulebook(tmp_path).open()


def test_new_devices_file_is_a_change(tmp_path):
    """devices.yaml stands beside the rules and is watched with them."""
    (tmp_path / "a.yaml").write_text(GOOD)
    book = Rulebook(tmp_path)
    book.open()

    (tmp_path / "devices.yaml").write_text("devices:\n  - {site: p, device: a, type: freezer}\n")
    edition = settled(book)

    assert edition is not None
    assert len(edition.devices) == 1


@pytest.mark.parametrize("meanwhile", [None, "rules: []\n"], ids=["away", "half written"])
def test_a_file_that_is_being_replaced_is_not_taken_for_removed(tmp_path, meanwhile):
    """A look that falls into the moment of saving sees neither its rules gone nor half of them."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = Rulebook(tmp_path)
    book.open()

    file.unlink()
    if meanwhile is not None:
        file.write_text(meanwhile)
    found = [book.changed()]
    file.write_text(GOOD.replace("hot", "very_hot"))
    found += [book.changed(), book.changed()]

    assert [edition and list(edition.rules.rules) for edition in found] == [
        None,
        None,
        ["clock_skew", "data_gap", "very_hot"],
    ]


def test_a_file_that_stays_away_takes_its_rules_along(tmp_path):
    """What is gone twice in a row was deleted."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = Rulebook(tmp_path)
    book.open()

    file.unlink()
    edition = settled(book)

    assert edition is not None
    assert list(edition.rules.rules) == ["clock_skew", "data_gap"]
