"""What a rule set would have raised of late."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Raised:
    """What a rule set would have raised over the newest readings: rule -> alerts that fired, and how long that was."""

    by_rule: Mapping[str, int]
    readings: int
    span_ms: int

    @property
    def a_day(self) -> float | None:
        """Return alerts a day; None where less than an hour is stored."""
        return None if self.span_ms < _DAY_MS / 24 else sum(self.by_rule.values()) * _DAY_MS / self.span_ms
