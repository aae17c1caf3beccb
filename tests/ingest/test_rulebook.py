"""Rules in force follow the files, and survive broken ones."""

import pytest

from iotops.errors import RuleFileError
from iotops.ingest.rulebook import Rulebook

GOOD = "rules:\n  - alert: hot\n    when: temp > 30\n"


def test_changed_file_gives_a_new_edition(tmp_path):
    """An edit is read once; what did not change is not read again."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = Rulebook(tmp_path)
    assert list(book.open().rules.rules) == ["hot"]

    assert book.changed() is None
    file.write_text(GOOD.replace("hot", "very_hot"))
    edition = book.changed()

    assert edition is not None
    assert list(edition.rules.rules) == ["very_hot"]
    assert book.changed() is None


def test_broken_file_keeps_the_old_edition_and_says_why(tmp_path):
    """A broken edit gives no edition, an error, and after the repair a new edition."""
    file = tmp_path / "a.yaml"
    file.write_text(GOOD)
    book = Rulebook(tmp_path)
    book.open()

    file.write_text("rules:\n  - alert: hot\n    when: temp >\n")
    assert book.changed() is None
    assert "a.yaml:3:" in str(book.error)

    file.write_text(GOOD + "    for: 1m\n")
    assert book.changed() is not None
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
    edition = book.changed()

    assert edition is not None
    assert len(edition.devices) == 1
