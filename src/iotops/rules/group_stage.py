"""Second stage: rules that look beyond one device, on one owner, in the order in which things arrived."""

from dataclasses import replace
from typing import Final

from iotops.rules.compile import Program
from iotops.rules.device import DeviceMemory
from iotops.rules.device_stage import DeviceStage
from iotops.rules.emission import Emission, Order, Turn
from iotops.rules.findings import Findings
from iotops.rules.journal import Journal
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.verdict import Due, earlier

SAME_TIME_MS: Final = 86_400_000  # devices whose clocks are further apart share no time base (one replays 2013)


class GroupStage:
    """Judges instances from the condition values that the device stage emitted."""

    def __init__(self, program: Program, memory: Memory, journal: Journal, findings: Findings) -> None:
        self._program = program
        self._memory = memory
        self._journal = journal
        self._findings = findings
        self._moment = Moment(memory)

    def run(self, stage: DeviceStage) -> None:
        """Consume what the device stage emitted."""
        emitted, stage.emitted = stage.emitted, []
        for item in sorted(emitted, key=_order):
            if isinstance(item, Emission):
                self._run_timers(stage, item.device, item.at, item.order)
                item.device.emitted[item.rule.id] = item
                self._judge(stage, item, item.at, item.order, counts=item.counts)
            elif item.rule:
                self._turned(stage, item.device, item.rule, item.at, item.order)
            else:
                self._run_timers(stage, item.device, item.at, item.order)

    def _run_timers(self, stage: DeviceStage, device: DeviceMemory, until: Due, order: Order) -> None:
        """Judge what comes due on a device's clock before an instant."""
        while device.group_dues and min(device.group_dues.values()) < until:
            name = min(device.group_dues, key=lambda name: device.group_dues[name])
            self._run_until(stage, device, name, until, order)

    def _run_until(self, stage: DeviceStage, device: DeviceMemory, rule: str, until: Due, order: Order) -> None:
        """Judge one instance at each of its own timers before an instant."""
        while (due := device.group_dues.get(rule)) is not None and due < until:
            self._journal.touch(device)
            del device.group_dues[rule]
            emission = device.emitted.get(rule)
            if emission is not None:
                self._judge(stage, emission, due, order, counts=False)

    def _judge(self, stage: DeviceStage, emission: Emission, at: Due, order: Order, *, counts: bool) -> None:
        device, rule, moment = emission.device, emission.rule, self._moment
        if rule.id in self._program.quarantined:
            return
        moment.at(device, at.at_ms, at.past, device.event_ms)
        moment.values = emission.values
        try:
            sequence_due = self._findings.follow(device, rule, moment)
            # The device stage emits again when something lapses, so the instance itself need not wake up for it.
            verdict = rule.verdict(moment, emission.lapsed, None)
            flipped, due = self._findings.settle(device, rule, verdict, moment, emission.prints, counts=counts)
        except Exception as error:  # noqa: BLE001  one rule's bug must not stop telemetry or other rules
            self._findings.fault(device, rule, error)
            return
        due = earlier(due, sequence_due)
        device.group_dues.pop(rule.id, None)
        if due is not None:
            device.group_dues[rule.id] = due
        if emission.may_be is False and rule.id not in device.open:
            device.emitted.pop(rule.id, None)
        if flipped:
            self._turned(stage, device, rule.id, at, order)

    def _turned(self, stage: DeviceStage, cause: DeviceMemory, rule: str, at: Due, order: Order) -> None:
        """Judge the instances that ask for a rule which began or ceased to fire."""
        for name, label in self._program.dependants.get(rule, ()):
            for device in [cause] if label is None else self._memory.linking(cause.key, label):
                dependant = stage.plan_of(device).by_id.get(name)
                if dependant is None:
                    continue
                if stage.before_looking is not None:
                    stage.before_looking(device)
                self._journal.touch(device)
                at_ms = _time_there(device, at.at_ms, order.connected_ms)
                emission = device.emitted.get(name) or stage.emission_now(device, dependant, at_ms)
                if emission is None:
                    continue
                there = max(emission.at, Due(at_ms, past=False))
                self._run_until(stage, device, name, there, order)
                device.emitted[name] = emission
                self._judge(stage, replace(emission, rule=dependant), there, order, counts=False)


def _time_there(device: DeviceMemory, at_ms: int, connected_ms: int) -> int:
    """Return an instant of another device on this device's clock: the same, where they share a time base."""
    clock_ms = device.clock_ms(connected_ms)
    return at_ms if abs(at_ms - clock_ms) <= SAME_TIME_MS else clock_ms


def _order(item: Emission | Turn) -> Order:
    return item.order
