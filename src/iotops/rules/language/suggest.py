"""Guess what an author meant by a word that nobody knows."""

from collections.abc import Iterable
from difflib import get_close_matches

_MAX_WORD = 60  # comparing costs the product of the lengths


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean "..."?` for the nearest known word; empty where none is near."""
    if len(word) > _MAX_WORD:
        return ""
    by_lower = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return f'did you mean "{by_lower[near[0]]}"?' if near else ""
