"""Everything the engine remembers, by device, in slots that are stored and restored one by one."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from iotops.rules.agenda import Agenda, DueDevice
from iotops.rules.alert import Alert, AlertKey, AlertState
from iotops.rules.clocks import Now
from iotops.rules.compile import Program
from iotops.rules.device import DeviceFacts, DeviceMemory
from iotops.rules.flocks import Flocks
from iotops.rules.group import Group
from iotops.rules.groups import Groups
from iotops.rules.instances import is_group
from iotops.rules.journal import Journal
from iotops.rules.links import Links, linked
from iotops.rules.recall import absorb, let_in
from iotops.rules.sequence import Attempt
from iotops.rules.snapshot import pack, unpack
from iotops.rules.twins import align
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Kind

SLOTS: Final = 1_024


def slot_of(key: DeviceKey) -> int:
    """Return the slot of a device: the same on every machine and in every version."""
    digest = hashlib.blake2b(str(key).encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "big") % SLOTS


class Memory:
    """All devices, and the order in which their timers come due; those were run up to `ticked_ms` (connected time)."""

    def __init__(self) -> None:
        self.ticked_ms = 0
        self._devices: dict[DeviceKey, DeviceMemory] = {}
        self._slots: dict[int, dict[DeviceKey, DeviceMemory]] = {}
        self._reviews: dict[DeviceKey, bool] = {}
        self._links = Links(lambda: [device.facts for device in self._devices.values()])
        self.groups = Groups(self._devices.get)
        self.flocks = Flocks(self)
        self._agenda = Agenda(self._devices.get, self.flocks)
        self._program: Program | None = None

    def __len__(self) -> int:
        return len(self._devices)

    def __iter__(self) -> Iterator[DeviceMemory]:
        for device in self._devices.values():
            self.flocks.settle(device)
            yield device

    def get(self, key: DeviceKey) -> DeviceMemory | None:
        """Return a device's memory with everything that it said, None where nobody registered it."""
        device = self._devices.get(key)
        if device is not None and device.flock is not None:
            self.flocks.settle(device)
        return device

    def register(self, facts: DeviceFacts) -> None:
        """Take what the registry knows of a device, for the first time or changed.

        A change of labels or lifecycle counts from the next evaluation on: open alerts of rules that do not match any
        more end then.
        """
        device = self._devices.get(facts.key)
        changed = device is not None
        if device is not None and device.facts != facts:
            self.flocks.leave(device)
        if device is None:
            device = DeviceMemory(facts)
            self._devices[facts.key] = device
            self._slots.setdefault(slot_of(facts.key), {})[facts.key] = device
        elif device.facts == facts:
            return
        elif not device.started:
            device.learn_registration(facts)
        self._links.move(device.facts, facts)
        device.facts = facts
        if facts.every_ms is not None:
            device.every_ms = facts.every_ms
        device.plan = None
        self.review(device, changed=changed)

    def introduce(self, key: DeviceKey, at_ms: int = 0, connected_ms: int = 0) -> DeviceMemory:
        """Register a device of which nothing is known but that it exists."""
        labels = {"site": key.site, "device": key.device, "name": key.device}
        self.register(DeviceFacts(key, labels, registered_ms=at_ms, registered_connected_ms=connected_ms))
        return self._devices[key]

    def forget(self, device: DeviceMemory) -> None:
        """Forget a device altogether."""
        self.flocks.leave(device)
        self._devices.pop(device.key, None)
        self._slots.get(slot_of(device.key), {}).pop(device.key, None)
        self._reviews.pop(device.key, None)
        self._links.drop(device.facts)

    def review(self, device: DeviceMemory, *, changed: bool) -> None:
        """Have a device looked through at the next evaluation; `changed`: its labels are others than before."""
        self.flocks.leave(device)
        self._reviews[device.key] = changed or self._reviews.get(device.key, False)

    def adopt(self, program: Program) -> None:
        """Have every plan made anew where the rules are others than before."""
        if program is self._program:
            return
        self._program = program
        self.flocks.disband(self._devices.values())
        self.groups.adopt(program.per)
        for device in self._devices.values():
            device.plan = None
            device.emitted.clear()  # values of rules as they were compiled then
            device.group_dues.clear()
            for each in (device, *(delay.view for delay in device.delayed.values())):
                for series in each.series.values():
                    series.frames.clear()
            self.review(device, changed=False)

    def take_reviews(self) -> list[tuple[DeviceMemory, bool]]:
        """Return the devices to look through and whether their labels changed, and consider it done."""
        found = [(self._devices[key], changed) for key, changed in self._reviews.items() if key in self._devices]
        self._reviews.clear()
        return found

    # Links from device to device

    def linked(self, subject: DeviceMemory | Group, label: str) -> DeviceMemory | None:
        """Return the device of the same site that a label names, or of another where it says `site/device`."""
        key = linked(subject.site, subject.facts.labels, label)
        return None if key is None else self._devices.get(key)

    def linking(self, key: DeviceKey, label: str) -> list[DeviceMemory]:
        """Return the devices whose label names this device."""
        return [self._devices[found] for found in self._links.linking(key, label)]

    def covered(self, group: Group) -> list[DeviceMemory]:
        """Return all devices that have a group's labels, whether its rule matches them or not."""
        return [self._devices[found] for found in self._links.sharing(*group.group_key[1:])]

    def holder(self, rule: str, subject: DeviceMemory | Group) -> DeviceMemory | Group | None:
        """Return whose instance of a rule covers a device or a group: its own, or that of the group of its labels."""
        labels = self.groups.per.get(rule)
        return subject if labels is None else self.groups.find(rule, labels, subject.facts.labels)

    # Timers

    def queue(self, device: DeviceMemory) -> None:
        """See to it that the device comes up when its next timer is due."""
        self._agenda.queue(device)

    def pop_due(self, connected_ms: int) -> DueDevice | None:
        """Return the device whose timer came due first, up to an instant of broker-connected time, and when."""
        return self._agenda.pop(connected_ms)

    def next_due_ms(self) -> int | None:
        """Return the broker-connected time at which a timer may be due next, None where none is."""
        group, device_ms = self.groups.next_due(), self._agenda.next_ms()
        found = [*([] if device_ms is None else [device_ms]), *([group[0]] if group else [])]
        return min(found, default=None)

    # Snapshots

    def dump(self, slot: int) -> bytes:
        """Return clocks and samples of a slot's devices, as `load` reads them. Alerts are kept as rows elsewhere."""
        devices = self._slots.get(slot, {}).values()
        for device in devices:
            self.flocks.settle(device)
        return pack(devices)

    def load(self, slot: int, data: bytes) -> None:
        """Restore what `dump` returned; devices that a newer snapshot has told us about stay as they are.

        Raises:
            ValueError: the snapshot is damaged or of a version that this one does not read.
        """
        for key, restore in unpack(data, slot):
            device = self.get(key) or self.introduce(key)
            if not device.series and not device.delayed:
                restore(device)

    def remember(self, program: Program, batch: Batch, now: Now | None = None) -> None:
        """Feed windows and clocks without judging: what was stored after the snapshot was judged before the restart.

        `now`: as the evaluation of the batch was given it; what waited for late samples was let in by then.
        """
        self.adopt(program)
        journal = Journal(self)
        for reading in batch:
            if reading.retained and reading.kind is not Kind.STATUS:
                continue
            device = self.get(reading.key)
            if device is None:
                device = self.introduce(reading.key, reading.received_ms, reading.connected_ms)
            if device.plan is None:
                align(program, device)
            journal.touch(device)
            absorb(program, device, reading, journal)
        if now is not None and now.drained:
            for device in self._devices.values():
                if device.delayed:
                    if device.plan is None:
                        align(program, device)
                    journal.touch(device)
                    let_in(program, device, device.clock_ms(now.connected_ms), journal)
        journal.apply()

    def restore_alerts(self, alerts: Iterable[Alert]) -> None:
        """Take the open alerts from their rows, which alone say what fires; call it after samples are back."""
        for alert in alerts:
            if alert.state is AlertState.RESOLVED:
                continue
            if alert.device is None:
                self.groups.waiting[alert.key] = alert
                continue
            device = self.get(alert.device) or self.introduce(alert.device)
            device.open[alert.key.rule] = alert
            self.review(device, changed=False)

    def open_alerts(self) -> list[Alert]:
        """Return every alert that is not resolved, of devices and of groups."""
        subjects = (*self._devices.values(), *self.groups)
        return [*self.groups.waiting.values(), *(alert for each in subjects for alert in each.open.values())]

    def attempts(self) -> Mapping[AlertKey, Attempt]:
        """Return how far the sequences of all instances have come."""
        own = {
            AlertKey(rule, device.instance): attempt
            for device in self._devices.values()
            for rule, attempt in device.attempts.items()
        }
        return own | self.groups.attempts()

    def restore_attempts(self, attempts: Mapping[AlertKey, Attempt]) -> None:
        """Take how far sequences have come from their rows; call it after samples are back."""
        for key, attempt in attempts.items():
            if is_group(key.instance):
                self.groups.begun[key] = attempt
                continue
            place = DeviceKey(*key.instance.split("/", 1))
            device = self.get(place) or self.introduce(place)
            device.attempts[key.rule] = attempt
            self.review(device, changed=False)
