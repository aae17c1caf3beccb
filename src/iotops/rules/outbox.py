"""What the device stage leaves to the group stage: condition values, answers to groups, and what turned."""

from collections.abc import Iterable

from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.emission import Emission, Order, Reply, Turn
from iotops.rules.evidence import printed
from iotops.rules.moment import Moment
from iotops.rules.renewal import crossing_of
from iotops.rules.values import Truth
from iotops.rules.verdict import Due, earlier, either, waking


class Outbox:
    """Collects, in the order in which they came about, things that the group stage takes out of `emitted`."""

    def __init__(self, moment: Moment, *, is_read: bool) -> None:
        """Begin; `is_read`: there are rules that look beyond their device."""
        self.emitted: list[Emission | Reply | Turn] = []
        self._moment = moment
        self._is_read = is_read
        self._live: set[tuple[DeviceMemory, str]] = set()
        self._row = self._connected_ms = self._number = 0

    def stand_at(self, row: int, connected_ms: int) -> None:
        """Say where in the batch, and in broker-connected time, what comes next stands."""
        self._row, self._connected_ms = row, connected_ms

    def turn(self, device: DeviceMemory, rule: str, at: Due) -> None:
        """Tell that a rule turned on a device, or (`rule` empty) that its clock reached an instant."""
        if self._is_read:
            self.emitted.append(Turn(self.order(), device.front, rule, at))

    def reply(self, device: DeviceMemory, rule: CompiledRule, due: Due, *, counts: bool, judged: bool) -> None:
        """Tell the group stage what the device says to a rule's surveys."""
        answers = tuple(survey.answer(self._moment, device, due) for survey in rule.surveys)
        self.emitted.append(Reply(self.order(), device, rule, due, answers, counts, judged))

    def emit(self, device: DeviceMemory, rule: CompiledRule, due: Due, *, counts: bool) -> None:
        """Hand the condition's values to the group stage, unless nothing can come of them."""
        moment = self._moment
        truths = [when(moment) for when in rule.may_be]
        live = rule.id in device.emitted or rule.id in device.open or (device, rule.id) in self._live
        if not live and truths.count(False) == len(truths):
            device.schedule(rule.id, crossing_of(rule, self._moment))
            return
        emission = self.emission(device, rule, due, either(tuple(truths)), counts=counts)
        self._live.add((device, rule.id))
        self.emitted.append(emission)
        device.schedule(rule.id, earlier(waking(emission.wake_ms), crossing_of(rule, self._moment)))

    def emission(self, device: DeviceMemory, rule: CompiledRule, due: Due, may_be: Truth, *, counts: bool) -> Emission:
        """Return what the group stage needs to judge a rule, at the moment at hand."""
        moment = self._moment
        lapsed, wake_ms = rule.freshness(moment)
        return Emission(
            self.order(),
            device,
            rule,
            due,
            tuple(slot.read(moment) for slot in rule.slots),
            printed(rule, moment),
            may_be,
            lapsed,
            wake_ms,
            counts,
        )

    def emission_now(self, device: DeviceMemory, rule: CompiledRule, at_ms: int) -> Emission | None:
        """Return what the group stage needs of a device that had nothing to say; None where a tier cannot be true."""
        due = Due(at_ms, past=False)
        moment = self._moment
        moment.at(device, due.at_ms, due.past, rule.asof_ms(device))
        may_be = either(tuple(when(moment) for when in rule.may_be))
        if may_be is False:
            return None
        emission = self.emission(device, rule, due, may_be, counts=False)
        device.schedule(rule.id, earlier(waking(emission.wake_ms), crossing_of(rule, self._moment)))
        return emission

    def is_live(self, device: DeviceMemory, rules: Iterable[str]) -> bool:
        """Tell whether the group stage was told of any of these rules on a device, by this evaluation or before."""
        if device.emitted and not device.emitted.keys().isdisjoint(rules):
            return True
        return bool(self._live) and any((device, rule) in self._live for rule in rules)

    def order(self) -> Order:
        """Return the place of what comes next."""
        self._number += 1
        return Order(self._row, self._connected_ms, self._number)
