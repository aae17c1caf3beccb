"""SECURITY.md: what it names is there, and every abuse test that it lists exists."""

import re

from promises import HOME, claimed_numbers, missing_tests


def test_every_test_that_shows_a_promise_exists():
    """A promise that points to nothing would be worse than none."""
    count, missing = missing_tests("SECURITY.md")

    assert count > 10
    assert missing == []


def test_every_abuse_has_a_test_that_says_so():
    """A01 to A18 stand on the page, and each at the beginning of a test's description."""
    listed = set(re.findall(r"\bA\d\d\b", (HOME / "SECURITY.md").read_text().split("## Abuse tests")[1]))

    assert listed == {f"A{number:02}" for number in range(1, 19)}
    assert listed == claimed_numbers("A")
