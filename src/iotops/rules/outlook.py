"""What readings that say certain metrics can turn on a device, and whether it is calm: nothing open, nothing close."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from iotops.rules.approximate import numbers_before
from iotops.rules.columns import Columns, Flags
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.doubts import Doubt, any_of, doubt_of
from iotops.rules.guards import Guards, watch_of
from iotops.rules.intake import taking
from iotops.rules.masks import everywhere
from iotops.rules.plan import REMEMBERED, Plan, Taken


@dataclass(frozen=True, slots=True, eq=False)
class Outlook:
    """What readings that say the same metrics may turn, on devices with the same plan.

    Attributes:
        taken: metric -> how it is taken. `followed`: those that rules follow.
        doubt: where any of the rules may be true.
        guards: metric -> guards that follow it.
        judged: ids of the rules that are judged when such readings arrive.
        crossings: rules that time alone may turn. `renewed`: readings change when it does.
    """

    names: tuple[str, ...]
    taken: Mapping[str, Taken | None]
    followed: frozenset[str]
    doubt: Doubt
    guards: Mapping[str, Guards]
    judged: frozenset[str]
    crossings: tuple[CompiledRule, ...]
    renewed: bool
    uses_every: bool

    def suits(self, device: DeviceMemory) -> bool:
        """Tell whether a device's readings may be looked at together: it has said all this before."""
        return device.started and self.followed <= device.series.keys()

    def is_calm(self, device: DeviceMemory, stage: DeviceStage) -> bool:
        """Tell whether no rule is true, pending, or held back on a device, and none comes close over its windows."""
        if device.open or device.attempts or device.group_dues or stage.is_live(device, self.judged):
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

    def doubtful(self, columns: Columns) -> Flags:
        """Tell which readings have to be judged one by one, where the device is calm before them."""
        found: Flags = np.zeros(len(columns.times), dtype=np.bool_)
        for mask in self.doubt.masks:
            found |= mask(columns)
        for metric, guards in self.guards.items():
            numbers, before = columns.numbers(metric), numbers_before(columns, metric)
            if numbers is None or before is None:
                return everywhere(columns)
            since = columns.at_ms - columns.shifted(columns.at_ms, columns.newest_ms(metric))
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
    followed = tuple(name for name, how in taken.items() if how is not None)
    touched = plan.touched(followed)
    judged = {rule.id: rule for rule in (*touched, *plan.age_rules)}
    doubt = any_of([doubt_of(rule) for rule in judged.values()])
    if doubt is None or any(guard.metric not in names for guard in doubt.guards):
        return None
    metrics = dict.fromkeys(guard.metric for guard in doubt.guards)
    guards = {name: Guards(tuple(guard for guard in doubt.guards if guard.metric == name)) for name in metrics}
    crossings = tuple(rule for rule in judged.values() if rule.crossings)
    renewed = any(rule.crossings for rule in touched) or any(rule.begins_when_heard for rule in crossings)
    return Outlook(
        names, taken, frozenset(followed), doubt, guards, frozenset(judged), crossings, renewed, plan.uses_every
    )
