"""SECURITY.md: what it names is there, and every abuse test that it lists exists."""

import re
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def test_every_test_that_shows_a_promise_exists():
    """A promise that points to nothing would be worse than none."""
    named = set(re.findall(r"`([a-z]+/test_[a-z_]+\.py)`", (HOME / "SECURITY.md").read_text()))

    assert len(named) > 10
    assert [name for name in sorted(named) if not (HOME / "tests" / name).is_file()] == []


def test_every_abuse_has_a_test_that_says_so():
    """A01 to A18 stand on the page, and each at the beginning of a test's description."""
    listed = set(re.findall(r"\bA\d\d\b", (HOME / "SECURITY.md").read_text().split("## Abuse tests")[1]))
    tests = "".join(file.read_text() for file in (HOME / "tests").rglob("test_*.py"))

    assert listed == {f"A{number:02}" for number in range(1, 19)}
    assert listed == set(re.findall(r'"""(A\d\d):', tests))
