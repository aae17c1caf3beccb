"""docs/reliability.md: what it names is there, and what it says of each fault is what the tests say."""

import re

from promises import HOME, claimed_numbers, missing_tests

PAGE = "docs/reliability.md"


def faults():
    """Return the rows of the table of faults: number -> how far it is shown."""
    table = (HOME / PAGE).read_text().split("## Faults")[1]
    return dict(re.findall(r"^\| (F\d\d) \|.*\| (shown|in part|not yet)\b[^|]*\|$", table, re.MULTILINE))


def test_every_test_that_shows_a_promise_exists():
    """A promise that points to nothing would be worse than none."""
    count, missing = missing_tests(PAGE)

    assert count > 15
    assert missing == []


def test_every_fault_stands_in_the_table():
    """F01 to F24, each with what is shown of it: nothing is left out for lack of a test."""
    assert list(faults()) == [f"F{number:02}" for number in range(1, 25)]


def test_a_fault_without_a_test_is_not_called_shown():
    """What a test claims to be about stands in the table with more than `not yet`."""
    told = faults()

    assert {number for number in claimed_numbers("F") if told[number] == "not yet"} == set()
