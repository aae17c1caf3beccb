"""How good would-be incidents are, by what people said of real ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from iotops.backtest.episodes import Episode

NEAR_MS: Final = 1_800_000
"""A would-be incident and a judged one are the same where they are no further apart: `reopen`, by default."""

DEFINITION: Final = (
    "a would-be incident is the same as a judged one if rule and device are, and if they overlap or are at most 30m "
    "apart; precision = would-be incidents judged real / those judged at all; recall = real incidents found again / "
    "real incidents; delay = median time from when the judged condition became true until the would-be alert fires"
)


@dataclass(frozen=True, slots=True)
class Judged:
    """An incident that a person judged. `began_ms`: since when its condition was true."""

    number: str
    rule: str
    instance: str
    began_ms: int
    fired_ms: int
    resolved_ms: int | None
    is_real: bool


@dataclass(frozen=True, slots=True)
class Score:
    """How a candidate does; None where there is nothing to divide by.

    Attributes:
        found, real: real incidents found again, of how many.
        judged_real, judged_false: would-be incidents that match a real one, or false alarms only.
        unjudged: would-be incidents that match no judged one; they count for nothing.
    """

    found: int
    real: int
    judged_real: int
    judged_false: int
    unjudged: int
    delay_ms: float | None

    @property
    def precision(self) -> float | None:
        """Return the share of the judged would-be incidents that are real."""
        judged = self.judged_real + self.judged_false
        return self.judged_real / judged if judged else None

    @property
    def recall(self) -> float | None:
        """Return the share of the real incidents that are found."""
        return self.found / self.real if self.real else None


def score(would_be: Sequence[tuple[Episode, ...]], judged: Iterable[Judged]) -> Score:
    """Hold would-be incidents, each a series of episodes, against judged ones (see `DEFINITION`)."""
    known = list(judged)
    matched = [[each for each in known if _are_the_same(episodes, each)] for episodes in would_be]
    judged_real = sum(any(each.is_real for each in found) for found in matched)
    judged_false = sum(bool(found) and not any(each.is_real for each in found) for found in matched)
    delays = []
    for each in known:
        if not each.is_real:
            continue
        again = [episodes[0].fired_ms for episodes in would_be if _are_the_same(episodes, each)]
        delays += [min(again) - each.began_ms] if again else []
    return Score(
        found=len(delays),
        real=sum(each.is_real for each in known),
        judged_real=judged_real,
        judged_false=judged_false,
        unjudged=sum(not found for found in matched),
        delay_ms=median(delays) if delays else None,
    )


def _are_the_same(episodes: Sequence[Episode], judged: Judged) -> bool:
    first, last = episodes[0], episodes[-1]
    if (first.rule, first.instance) != (judged.rule, judged.instance):
        return False
    starts_late = judged.resolved_ms is not None and first.fired_ms > judged.resolved_ms + NEAR_MS
    ends_early = last.resolved_ms is not None and last.resolved_ms < judged.fired_ms - NEAR_MS
    return not (starts_late or ends_early)
