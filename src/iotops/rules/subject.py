"""What rules are about: a device or a group, whichever an instance belongs to."""

from typing import Any, Protocol

from iotops.rules.alert import Alert
from iotops.telemetry.reading import DeviceKey


class Subject(Protocol):
    """A device or a group, as far as its alerts are concerned.

    Attributes:
        key: what errors call it.
        open: rule id -> alert that is not resolved.
    """

    key: Any
    open: dict[str, Alert]

    @property
    def instance(self) -> str:
        """Return the name of the instance, as alerts carry it."""

    @property
    def site(self) -> str:
        """Return its site, "" where it has none."""

    @property
    def device(self) -> DeviceKey | None:
        """Return the device, None for a group."""

    def note_end(self, at_ms: int) -> None:
        """Note that an alert ended at an instant."""

    def forget(self, rule: str) -> None:
        """Forget what was kept for judging a rule again."""
