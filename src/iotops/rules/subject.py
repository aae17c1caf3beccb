"""What rules are about: a device or a group, whichever an instance belongs to."""

from typing import TYPE_CHECKING, Any, Protocol

from iotops.rules.alert import Alert
from iotops.telemetry.reading import DeviceKey

if TYPE_CHECKING:
    from iotops.rules.sequence import Attempt


class Subject(Protocol):
    """A device or a group, as far as its alerts are concerned.

    Attributes:
        key: what errors call it.
        open: rule id -> alert that is not resolved.
        attempts: rule id -> how far its sequence has come.
    """

    key: Any
    open: dict[str, Alert]
    attempts: dict[str, "Attempt"]

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
