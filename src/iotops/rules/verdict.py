"""What is known about a condition at an instant, in three-valued logic."""

from dataclasses import dataclass
from typing import NamedTuple

from iotops.rules.values import Truth


class Due(NamedTuple):
    """When something is to be judged again: at that instant, or just `past` it, when what was fresh up to it lapses."""

    at_ms: int
    past: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known about a condition at an instant.

    Attributes:
        tiers: whether each tier's condition is true, aligned with the machine's severities.
        until: recovery per tier, or one for all, or empty.
        unless: whether the rule is suppressed; unknown counts as not.
        lapsed: a metric of the condition has no sample younger than `stale`.
        wake_ms: until when (included) the youngest of the other metrics stay fresh, None where nothing can lapse.
    """

    tiers: tuple[Truth, ...]
    until: tuple[Truth, ...]
    unless: bool
    lapsed: bool
    wake_ms: int | None

    @property
    def truth(self) -> Truth:
        """Tell whether any tier is true."""
        return either(self.tiers)


def either(truths: tuple[Truth, ...]) -> Truth:
    """Return Kleene's `or`."""
    if True in truths:
        return True
    return None if None in truths else False


def both(one: Truth, other: Truth) -> Truth:
    """Return Kleene's `and`."""
    if one is False or other is False:
        return False
    return True if one and other else None


def earlier(one: Due | None, other: Due | None) -> Due | None:
    """Return the earlier of two instants, either of which may be none."""
    if one is None or other is None:
        return one or other
    return min(one, other)


def waking(wake_ms: int | None) -> Due | None:
    """Return when what is fresh up to an instant has lapsed."""
    return None if wake_ms is None else Due(wake_ms, past=True)
