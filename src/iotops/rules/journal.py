"""What an evaluation changed in memory: finished after the commit, undone after a failure."""

from typing import TYPE_CHECKING

from iotops.rules.device import DeviceMemory
from iotops.rules.eviction import evict
from iotops.rules.group import Group, GroupKey
from iotops.rules.series import Series

if TYPE_CHECKING:
    from iotops.rules.memory import Memory


class Journal:
    """The devices and series that were touched. Each remembers its own former state; nothing is copied wholesale."""

    __slots__ = (
        "_created",
        "_devices",
        "_groups",
        "_memory",
        "_moved",
        "_moved_groups",
        "_reviews",
        "_series",
        "_ticked_ms",
    )

    def __init__(self, memory: "Memory") -> None:
        self._memory = memory
        self._devices: list[DeviceMemory] = []
        self._moved: set[DeviceMemory] = set()
        self._series: list[tuple[DeviceMemory, str, Series]] = []
        self._created: list[DeviceMemory] = []
        self._reviews: list[tuple[DeviceMemory, bool]] = []
        self._groups: list[Group] = []
        self._moved_groups: dict[GroupKey, Group] = {}
        self._ticked_ms: int | None = None

    def tick(self, connected_ms: int) -> None:
        """Note up to which broker-connected time timers run."""
        self._ticked_ms = self._memory.ticked_ms
        self._memory.ticked_ms = max(connected_ms, self._memory.ticked_ms)

    def touch_group(self, group: Group) -> None:
        """Note a group that is about to change."""
        self._moved_groups[group.group_key] = group
        if group.mark():
            self._groups.append(group)

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was touched: the evaluation might as well not have been."""
        return not (self._devices or self._series or self._created or self._reviews or self._groups)

    def touch(self, device: DeviceMemory) -> None:
        """Note a device that is about to change, with all that waits for it."""
        device = device.front
        if device.flock is not None:
            self._memory.flocks.leave(device)
        self._moved.add(device)
        if device.mark():
            self._devices.append(device)

    def touch_series(self, device: DeviceMemory, metric: str, series: Series) -> None:
        """Note a series that is about to change."""
        if series.mark():
            self._series.append((device, metric, series))

    def created(self, device: DeviceMemory) -> None:
        """Note a device that nobody had registered."""
        self._created.append(device)

    def reviewed(self, device: DeviceMemory, *, changed: bool) -> None:
        """Note that a device was looked through."""
        self._reviews.append((device, changed))

    def queue(self) -> None:
        """See to it that the devices touched since the last call come up when their timers are due."""
        for device in self._moved:
            self._memory.queue(device)
        self._moved.clear()
        for group in self._moved_groups.values():
            self._memory.groups.queue(group)
        self._moved_groups.clear()

    def apply(self) -> None:
        """Keep the changes: the transaction was committed. Evicts samples that no window sees any more."""
        for device, metric, _ in self._series:
            evict(device, metric)
        for device in self._devices:
            device.apply()
        for group in self._groups:
            self._memory.groups.apply(group)
        self._memory.groups.apply_waiting()
        self._clear()
        self._memory.flocks.land()

    def drop(self) -> None:
        """Undo the changes: memory is exactly as it was before the evaluation."""
        self._memory.flocks.aloft = None
        for _, _, series in self._series:
            series.drop()
        for device in self._devices:
            device.drop()
            self._memory.queue(device)
        for group in self._groups:
            self._memory.groups.drop(group)
            self._memory.groups.queue(group)
        self._memory.groups.drop_waiting()
        if self._ticked_ms is not None:
            self._memory.ticked_ms = self._ticked_ms
        for device in self._created:
            self._memory.forget(device)
        for device, changed in self._reviews:
            self._memory.review(device, changed=changed)
        self._clear()

    def _clear(self) -> None:
        self._devices, self._series, self._created, self._reviews, self._groups = [], [], [], [], []
