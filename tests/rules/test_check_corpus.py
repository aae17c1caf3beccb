"""The corpus: broken files with their exact messages, and good files about which nothing is to be said."""

from pathlib import Path

import pytest

from iotops.rules.authoring.check import check
from iotops.rules.authoring.rendering import as_text

CORPUS = Path(__file__).parent / "corpus"
BAD = sorted(CORPUS.glob("*.bad.yaml"))


def test_corpus_is_large():
    """At least sixty broken files, each with its message and no message without a file."""
    assert len(BAD) >= 60
    assert {file.stem for file in BAD} == {file.stem for file in CORPUS.glob("*.bad.txt")}


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.name.removesuffix(".bad.yaml"))
def test_broken_file_has_its_exact_findings(file):
    """Every finding of a broken file is told with its line, caret, code and fix."""
    expected = file.with_suffix(".txt").read_text()

    found = as_text(check({file.name: file.read_text()}))

    assert expected == found + "\n"


def test_good_file_has_no_finding():
    """A file that uses every construct of this version rightly is not remarked upon."""
    text = (CORPUS / "bakery.good.yaml").read_text()

    assert as_text(check({"bakery.good.yaml": text})) == ""


def test_language_to_come_is_named_and_nothing_else():
    """What this version cannot do yet is said as such, with no false alarm around it."""
    text = (CORPUS / "whole_language.good.yaml").read_text()

    assert {"not-yet"} >= {finding.code for finding in check({"whole_language.good.yaml": text})}
