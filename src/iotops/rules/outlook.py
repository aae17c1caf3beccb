"""What readings that say certain metrics can turn on a device, and whether it is calm: nothing open, nothing close."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from iotops.rules.columns import Columns, Flags
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.doubt import Doubt
from iotops.rules.doubts import doubt_of, key_of, restarts
from iotops.rules.guards import Guard, Guards, watch_of
from iotops.rules.intake import taking
from iotops.rules.masks import Mask, everywhere
from iotops.rules.plan import REMEMBERED, Plan, Taken

IsLive = Callable[[DeviceMemory, Collection[str]], bool]
"""Tells whether the group stage was told of any of these rules on a device."""


@dataclass(frozen=True, slots=True, eq=False)
class Concern:
    """What readings may turn of one rule: where a mask says so, or while one of its guards is not calm.

    Attributes:
        number: its place among the rules of the outlook.
        guards: metric and place of each in `Outlook.guards`.
        causes: rules of the same device that it asks for.
    """

    number: int
    rule: CompiledRule
    masks: tuple[Mask, ...]
    guards: tuple[tuple[str, int], ...]
    causes: frozenset[str]

    def is_underway(self, device: DeviceMemory, live: IsLive) -> bool:
        """Tell whether anything of the rule, or of what it asks for, stands open on a device."""
        name = self.rule.id
        if name in device.open or name in device.attempts or name in device.group_dues:
            return True
        return live(device, (name,)) or not device.open.keys().isdisjoint(self.causes)

    def is_close(self, device: DeviceMemory, guards: Mapping[str, Guards]) -> bool:
        """Tell whether the rule may be true over its windows, with the samples there are."""
        for metric, place in self.guards:
            series = device.series[metric]
            if not watch_of(series, guards[metric]).is_low(series, guards[metric].each, place):
                return True
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What readings that say the same metrics may turn, on devices with the same plan.

    Attributes:
        taken: metric -> how it is taken, None where no rule follows it. `followed`: those that rules follow.
        concerns: rule id -> what may turn it, of the rules that are judged when such readings arrive.
        guards: metric -> guards that follow it.
        crossings: rules that time alone may turn. `renewed`: readings change when it does.
        settled: readings only put off what time may turn; see `doubts.restarts`.
        likeness: the same for outlooks which differ in nothing but the names of their rules.
    """

    names: tuple[str, ...]
    taken: Mapping[str, Taken | None]
    followed: Mapping[str, Taken]
    concerns: Mapping[str, Concern]
    guards: Mapping[str, Guards]
    crossings: tuple[CompiledRule, ...]
    renewed: bool
    uses_every: bool
    settled: bool
    likeness: int

    def suits(self, device: DeviceMemory) -> bool:
        """Tell whether a device's readings may be looked at together: it has said all this before."""
        return device.started and self.followed.keys() <= device.series.keys()

    def is_calm(self, device: DeviceMemory, live: IsLive) -> bool:
        """Tell whether no rule is true, pending, or held back on a device, and none comes close over its windows."""
        if device.open or device.attempts or device.group_dues or live(device, self.concerns.keys()):
            return False
        for metric, guards in self.guards.items():
            series = device.series[metric]
            if not watch_of(series, guards).is_calm(series, guards.each):
                return False
        return True

    def is_overdue(self, device: DeviceMemory) -> bool:
        """Tell whether a rule that time may turn should have been judged before the last reading, or is never."""
        if device.next_due is not None and device.next_due.at_ms < device.event_ms:
            return True
        return any(rule.id not in device.dues for rule in self.crossings)

    def doubts(self, columns: Columns) -> "Doubts":
        """Tell which readings have to be judged one by one, where the device is calm before them."""
        masks = tuple(_either(concern.masks, columns) for concern in self.concerns.values())
        found: Flags = np.zeros(len(columns), dtype=np.bool_)
        for flags in masks:
            if flags is not None:
                found |= flags
        for metric, guards in self.guards.items():
            found |= _scoring(metric, guards, columns)
        return Doubts(np.flatnonzero(found).tolist(), masks)


class Doubts(NamedTuple):
    """Rows that have to be judged one by one, ascending; and where masks doubt each rule of an outlook, if any do."""

    rows: list[int]
    masks: tuple[Flags | None, ...]


def _either(masks: Sequence[Mask], columns: Columns) -> Flags | None:
    found = None
    for mask in masks:
        found = mask(columns) if found is None else found | mask(columns)
    return found


def _scoring(metric: str, guards: Guards, columns: Columns) -> Flags:
    """Tell at which readings a sample scores for any of a metric's guards."""
    numbers, before = columns.numbers(metric), columns.numbers_before(metric)
    if numbers is None or before is None:
        return everywhere(columns)
    since = columns.at_ms - columns.samples_before_ms(metric)
    found: Flags = np.zeros(len(numbers), dtype=np.bool_)
    for guard in guards.each:
        found |= ~(guard.score(numbers, before, since) < 0)
    return found


def outlook_of(program: Program, plan: Plan, names: tuple[str, ...]) -> Outlook | None:
    """Return what readings that say these metrics may turn; None where some rule has to judge each of them."""
    if names not in plan.outlooks:
        found = _outlook(program, plan, names)
        if len(plan.outlooks) >= REMEMBERED:
            return found
        plan.outlooks[names] = found
    known: Outlook | None = plan.outlooks[names]
    return known


def _outlook(program: Program, plan: Plan, names: tuple[str, ...]) -> Outlook | None:
    if not names or plan.event_rules or plan.delayed or any(rule.surveys for rule in plan.rules):
        return None
    taken = {name: taking(program, plan, name) for name in names}
    followed = {name: how for name, how in taken.items() if how is not None}
    touched = plan.touched(tuple(followed))
    judged = {rule.id: rule for rule in (*touched, *plan.age_rules)}
    doubts = [(rule, doubt_of(rule)) for rule in judged.values()]
    known = [(rule, doubt) for rule, doubt in doubts if doubt is not None]
    if len(known) < len(doubts) or any(guard.metric not in names for _, doubt in known for guard in doubt.guards):
        return None
    guards, concerns = _concerns(known)
    crossings = tuple(rule for rule in judged.values() if rule.crossings)
    renewed = any(rule.crossings for rule in touched) or any(rule.begins_when_heard for rule in crossings)
    traits = (names, tuple(taken.items()), tuple(key_of(rule) for rule, _ in known), plan.uses_every)
    likeness = program.likenesses.setdefault(traits, len(program.likenesses))
    settled = all(restarts(rule, names) for rule in crossings)
    return Outlook(names, taken, followed, concerns, guards, crossings, renewed, plan.uses_every, settled, likeness)


def _concerns(known: Sequence[tuple[CompiledRule, Doubt]]) -> tuple[Mapping[str, Guards], Mapping[str, Concern]]:
    """Return the guards of each metric, and what may turn each rule."""
    guards: dict[str, list[Guard]] = {}
    concerns = {}
    for number, (rule, doubt) in enumerate(known):
        places = []
        for guard in doubt.guards:
            each = guards.setdefault(guard.metric, [])
            places.append((guard.metric, len(each)))
            each.append(guard)
        causes = frozenset(cause for cause, label in rule.notes.causes if label is None)
        concerns[rule.id] = Concern(number, rule, doubt.masks, tuple(places), causes)
    return {metric: Guards(tuple(each)) for metric, each in guards.items()}, concerns
