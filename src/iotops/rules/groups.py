"""All groups: which devices are in which, and when something in them comes due."""

from collections.abc import Callable, Iterator, Mapping
from heapq import heappop, heappush

from iotops.rules.alert import Alert, AlertKey
from iotops.rules.device import FOREVER, DeviceMemory
from iotops.rules.group import Group, GroupKey, clock_of
from iotops.rules.links import Labels, values_of
from iotops.rules.sequence import Attempt
from iotops.rules.surveys import Answer
from iotops.telemetry.reading import DeviceKey


class Groups:
    """The groups of all rules. They are made from the registry and from what devices remember; only alerts are kept.

    Args:
        device_of: finds a device.

    Attributes:
        per: rule id -> labels, of the rules whose instances are groups.
        waiting: open alerts of groups that were not formed yet: after a restart, and after a reload.
        begun: how far the sequences of such groups have come.
    """

    def __init__(self, device_of: Callable[[DeviceKey], DeviceMemory | None]) -> None:
        self.per: Mapping[str, Labels] = {}
        self.waiting: dict[AlertKey, Alert] = {}
        self.begun: dict[AlertKey, Attempt] = {}
        self._device_of = device_of
        self._by_rule: dict[str, dict[tuple[Labels, tuple[str, ...]], Group]] = {}
        self._of: dict[DeviceKey, dict[GroupKey, Group]] = {}
        self._queue: list[tuple[int, GroupKey]] = []
        self._waited: tuple[dict[AlertKey, Alert], dict[AlertKey, Attempt]] | None = None

    def __iter__(self) -> Iterator[Group]:
        for groups in self._by_rule.values():
            yield from groups.values()

    def adopt(self, per: Mapping[str, Labels]) -> None:
        """Forget all groups: the rules are others than before. Their alerts wait for the groups of the new rules."""
        self.waiting |= {alert.key: alert for group in self for alert in group.open.values()}
        self.begun |= self.attempts()
        self.per = per
        self._by_rule, self._of, self._queue = {}, {}, []

    def find(self, rule: str, labels: Labels, known: Mapping[str, str]) -> Group | None:
        """Return the group of a rule that labels select."""
        values = values_of(labels, known)
        return None if values is None else self._by_rule.get(rule, {}).get((labels, values))

    def of_rule(self, rule: str) -> list[Group]:
        """Return the groups of a rule."""
        return list(self._by_rule.get(rule, {}).values())

    def of_device(self, key: DeviceKey) -> list[Group]:
        """Return the groups that a device is in."""
        return list(self._of.get(key, {}).values())

    # Members

    def form(self, group: Group) -> None:
        """Add a group, and give it the alert that waited for it."""
        self._by_rule.setdefault(group.group_key.rule, {})[group.group_key[1:]] = group
        if group.has_instance:
            self._remember_waiting()
            alert = self.waiting.pop(AlertKey(group.group_key.rule, group.key), None)
            if alert is not None:
                group.open[alert.key.rule] = alert
            attempt = self.begun.pop(AlertKey(group.group_key.rule, group.key), None)
            if attempt is not None:
                group.attempts[group.group_key.rule] = attempt

    def join(self, group: Group, key: DeviceKey, answer: Answer) -> None:
        """Have a device in a group."""
        group.put(key, answer)
        self._of.setdefault(key, {})[group.group_key] = group

    def leave(self, group: Group, key: DeviceKey) -> None:
        """Have a device in a group no more; where it was the device that told the time, another tells it now."""
        group.put(key, None)
        self._of.get(key, {}).pop(group.group_key, None)
        gone = self._device_of(key)
        if gone is None or clock_of(gone) >= group.clock:
            others = (self._device_of(other) for other in group.tally.answers)
            group.clock = max((clock_of(device) for device in others if device is not None), default=group.clock)

    def end_waiting(self) -> list[Alert]:
        """Return the alerts for which no group was formed, and let go of them."""
        if not self.waiting:
            return []
        self._remember_waiting()
        found, self.waiting = list(self.waiting.values()), {}
        return found

    def end_attempts(self) -> list[AlertKey]:
        """Return the instances with sequences under way for which no group was formed, and let go of them."""
        if not self.begun:
            return []
        self._remember_waiting()
        found, self.begun = list(self.begun), {}
        return found

    def attempts(self) -> dict[AlertKey, Attempt]:
        """Return how far the sequences of all groups have come."""
        own = {AlertKey(rule, each.key): attempt for each in self for rule, attempt in each.attempts.items()}
        return self.begun | own

    # Timers

    def queue(self, group: Group) -> None:
        """See to it that a group comes up when it is due; it stands in the queue once (see `Memory.queue`)."""
        due_ms = group.due_ms()
        if due_ms is not None and due_ms < group.queued_ms:
            group.queued_ms = due_ms
            heappush(self._queue, (due_ms, group.group_key))

    def next_due(self) -> tuple[int, Group] | None:
        """Return the group that is due first, and the broker-connected time at which it is."""
        while self._queue:
            due_ms, key = self._queue[0]
            group = self._by_rule.get(key.rule, {}).get(key[1:])
            if group is not None and group.queued_ms == due_ms:
                if group.due_ms() == due_ms:
                    return due_ms, group
                group.queued_ms = FOREVER
                heappop(self._queue)
                self.queue(group)
            else:
                heappop(self._queue)
        return None

    def taken(self, group: Group) -> None:
        """Note that a group is dealt with: it is queued again for what comes next."""
        group.queued_ms = FOREVER

    # What can be undone

    def drop(self, group: Group) -> None:
        """Return a group to what it was before the evaluation; one that was formed in it is gone again."""
        concerned = {*group.tally.answers}
        group.drop()
        for key in concerned.symmetric_difference(group.tally.answers):
            if key in group.tally.answers:
                self._of.setdefault(key, {})[group.group_key] = group
            else:
                self._of.get(key, {}).pop(group.group_key, None)
        self._sweep(group)

    def apply(self, group: Group) -> None:
        """Keep what an evaluation made of a group; one without devices is gone."""
        group.apply()
        self._sweep(group)

    def drop_waiting(self) -> None:
        """Return to the alerts that waited before the evaluation."""
        if self._waited is not None:
            (self.waiting, self.begun), self._waited = self._waited, None

    def apply_waiting(self) -> None:
        """Keep the alerts that wait."""
        self._waited = None

    def _remember_waiting(self) -> None:
        if self._waited is None and (self.waiting or self.begun):
            self._waited = dict(self.waiting), dict(self.begun)

    def _sweep(self, group: Group) -> None:
        if not group.tally.answers:
            self._by_rule.get(group.group_key.rule, {}).pop(group.group_key[1:], None)
