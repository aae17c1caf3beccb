"""Stretches of time that pages are about: what the address says, and how finely a chart of it is drawn. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from iotops.durations import format_instant, parse_duration, parse_instant

_NICE_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400)
_LONGEST_MS = 3_660 * 86_400_000


class Span(NamedTuple):
    """From one instant up to another, Unix milliseconds; `word` is the length as the address has it, None for other."""

    from_ms: int
    to_ms: int
    word: str | None

    @property
    def query(self) -> Mapping[str, str]:
        """Return the span in the names of the API."""
        return {"from": format_instant(self.from_ms), "to": format_instant(self.to_ms)}

    @property
    def address(self) -> Mapping[str, str]:
        """Return what the address of a page says of it: a length that ends now stays one."""
        return {"range": self.word} if self.word else self.query

    def step_s(self, buckets: int) -> int:
        """Return the shortest round step, in seconds, of which at most `buckets` cover the span."""
        exact = (self.to_ms - self.from_ms) / 1_000 / buckets
        whole = -(-int(exact) // 86_400) * 86_400
        return next((nice for nice in _NICE_S if nice >= exact), max(whole, 86_400))


def read_span(query: Mapping[str, str], words: Sequence[str], now_ms: int, default: str) -> Span:
    """Return the span that an address asks for; what makes no sense counts as if it were not there.

    Args:
        query: `range`, a length up to now, or `from` and `to` in RFC 3339.
        words: the lengths that the page offers.
        now_ms: where a length ends.
        default: the length where nothing is asked.
    """
    if "from" in query:
        try:
            from_ms, to_ms = parse_instant(query["from"]), parse_instant(query.get("to") or format_instant(now_ms))
        except ValueError:
            from_ms, to_ms = 0, 0
        if 0 < to_ms - from_ms <= _LONGEST_MS and from_ms >= 0:
            return Span(from_ms, to_ms, None)
    word = query.get("range", default)
    word = word if word in words else default
    return Span(now_ms - parse_duration(word), now_ms, word)
