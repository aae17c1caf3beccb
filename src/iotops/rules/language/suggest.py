"""Guess what an author meant by a word that nobody knows."""

from collections import Counter
from collections.abc import Iterable
from difflib import SequenceMatcher

_MAX_WORD = 60  # comparing costs the product of the lengths
_CUTOFF = 0.7


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean "..."?` for the nearest known word; empty where none is near."""
    found = nearest(word, known)
    return f'did you mean "{found}"?' if found else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that is most like a word, whatever the case; "" where none is near."""
    if len(word) > _MAX_WORD:
        return ""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matcher = SequenceMatcher()
    matcher.set_seq2(word.lower())
    letters = Counter(word.lower())
    best, best_ratio = "", _CUTOFF
    for candidate, written in by_lower.items():
        # What the two share letter by letter bounds their likeness, and costs a hundredth of it.
        shared = sum(min(count, candidate.count(letter)) for letter, count in letters.items())
        if 2 * shared < best_ratio * (len(word) + len(candidate)):
            continue
        matcher.set_seq1(candidate)
        ratio = matcher.ratio()
        if ratio > best_ratio or (ratio == best_ratio and not best):
            best, best_ratio = written, ratio
    return best
