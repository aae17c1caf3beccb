"""What judging costs, rule by rule, where somebody with a clock asks."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Costs:
    """Adds up what the device stage spends on each rule; a rule that reads other devices costs more than is seen here.

    Attributes:
        clock: a steady clock in nanoseconds.
        judged, spent_ns: rule -> how often it was judged, and how long that took.
    """

    clock: Callable[[], int]
    judged: Counter[str] = field(default_factory=Counter)
    spent_ns: Counter[str] = field(default_factory=Counter)

    def add(self, rule: str, since_ns: int) -> None:
        """Take one judgement that began at an instant of the clock."""
        self.judged[rule] += 1
        self.spent_ns[rule] += self.clock() - since_ns
