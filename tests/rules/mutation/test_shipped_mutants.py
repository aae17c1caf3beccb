"""The tests of the shipped rules notice every small mistake in them."""

from pathlib import Path

import pytest

from iotops.rules.authoring.files import check_path
from iotops.rules.authoring.mutation.report import mutation_text
from iotops.rules.authoring.mutation.trial import Fate, try_mutants

RULES = Path(__file__).parents[3] / "rules"
FILES = sorted(file for file in RULES.glob("*.yaml") if file.name not in ("devices.yaml", "services.yaml", "sla.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_rules_leave_no_survivor(file):
    """Every rule has ten mutants at least, and its tests tell each of them apart, or it is proved that none can."""
    tried = try_mutants({str(file): file.read_text()}, processes=1)

    report = mutation_text(tried)
    assert tried
    assert [rule.rule for rule in tried if rule.fault or rule.count(Fate.SURVIVED)] == [], report
    assert min(len(rule.verdicts) for rule in tried) >= 10


def test_shipped_rules_have_no_finding():
    """No false alarm on the files that everybody begins with."""
    assert check_path(RULES).findings == ()
