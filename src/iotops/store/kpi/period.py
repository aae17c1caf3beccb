"""The period that figures are about, and by what they are told."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast, literal, literal_column

from iotops.store.tables import incident

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant up to another, in Unix milliseconds; `sites`: only of these, empty for all."""

    from_ms: int
    to_ms: int
    now_ms: int
    sites: tuple[str, ...] = ()

    @property
    def end_ms(self) -> int:
        """Return the end, or now where that comes first."""
        return min(self.to_ms, self.now_ms)

    @property
    def previous(self) -> "Period":
        """Return the period of the same length before."""
        return Period(self.from_ms - (self.to_ms - self.from_ms), self.from_ms, self.now_ms, self.sites)

    def holds(self, instant: ColumnElement[int]) -> list[ColumnElement[bool]]:
        """Return the conditions for an instant within the period."""
        return [instant >= self.from_ms, instant < self.to_ms]

    def sees(self, site: ColumnElement[Any] = incident.c.site) -> list[ColumnElement[bool]]:
        """Return the condition for what belongs to the sites."""
        return [site.in_(self.sites)] if self.sites else []


def group_of(by: str | None, at_ms: ColumnElement[int]) -> ColumnElement[Any]:
    """Return the key by which a row, with its incident beside it, is told; a day is its first millisecond."""
    if by is None:
        return literal("")
    if by == "device":
        return incident.c.site + literal_column("'/'") + incident.c.device
    if by == "day":
        return cast((at_ms // DAY_MS) * DAY_MS, String)
    column: ColumnElement[Any] = incident.c[by]
    return column
