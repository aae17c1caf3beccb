"""What a page of promises names as proof."""

import re
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def missing_tests(page: str) -> tuple[int, list[str]]:
    """Return how many test files a page names, as `folder/test_name.py` below tests/, and those that do not exist.

    Args:
        page: the page's path in the repository.
    """
    named = set(re.findall(r"`((?:[a-z]+/)*test_[a-z0-9_]+\.py)`", (HOME / page).read_text()))
    return len(named), [name for name in sorted(named) if not (HOME / "tests" / name).is_file()]


def claimed_numbers(letter: str) -> set[str]:
    """Return the numbers, as in A07 or F13, that stand at the beginning of tests' descriptions."""
    tests = "".join(file.read_text() for file in (HOME / "tests").rglob("test_*.py"))
    return set(re.findall(rf'"""({letter}\d\d):', tests))
