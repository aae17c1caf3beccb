"""The period that figures are about, and by what they are told."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, String, case, cast, literal, literal_column

from iotops.store.tables import device, incident

DAY_MS = 86_400_000
AGES_MS = (0, 3_600_000, 4 * 3_600_000, DAY_MS, 3 * DAY_MS, 7 * DAY_MS, 28 * DAY_MS)
"""Where the age classes of the backlog begin."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one instant up to another, in Unix milliseconds, and of what: values of each, empty for all."""

    from_ms: int
    to_ms: int
    now_ms: int
    sites: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()

    @property
    def end_ms(self) -> int:
        """Return the end, or now where that comes first."""
        return min(self.to_ms, self.now_ms)

    @property
    def previous(self) -> "Period":
        """Return the period of the same length before."""
        return replace(self, from_ms=self.from_ms - (self.to_ms - self.from_ms), to_ms=self.from_ms)

    def holds(self, instant: ColumnElement[int]) -> list[ColumnElement[bool]]:
        """Return the conditions for an instant within the period."""
        return [instant >= self.from_ms, instant < self.to_ms]

    def sees(self) -> list[ColumnElement[bool]]:
        """Return the conditions for incidents of what the period is about."""
        chosen = (
            (incident.c.site, self.sites),
            (incident.c.service, self.services),
            (incident.c.device, self.devices),
            (incident.c.priority, self.priorities),
        )
        return [column.in_(values) for column, values in chosen if values]

    def sees_devices(self) -> list[ColumnElement[bool]]:
        """Return the conditions for devices of the sites and of the names."""
        chosen = ((device.c.site, self.sites), (device.c.device, self.devices))
        return [column.in_(values) for column, values in chosen if values]


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


def age_key(age_ms: ColumnElement[int]) -> ColumnElement[Any]:
    """Return the age class of an open incident: its shortest age in milliseconds, as text."""
    return case(*((age_ms >= least, str(least)) for least in reversed(AGES_MS)), else_="0")
