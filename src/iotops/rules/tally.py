"""What the devices of a group said, counted and ranked as they say it: no answer costs more where there are many."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Any, Final

from iotops.rules.surveys import Answer
from iotops.rules.values import Interval, calculate
from iotops.rules.verdict import Due
from iotops.telemetry.reading import DeviceKey

_SLACK: Final = 64  # turns that are out of date are swept out once they are more than the devices and these


class Tally:
    """The newest answer of every device, how many of each kind there are, and which of them time turns next.

    A device counts as unknown until it said something. Taking an answer costs a few steps, however many devices
    there are: counts go up and down by one, a value is moved within a sorted list, a turn within a heap.
    """

    __slots__ = ("_falses", "_held", "_ranked", "_trues", "_turns", "_undo", "answers")

    def __init__(self, polls: int, ranks: int) -> None:
        self.answers: dict[DeviceKey, Answer] = {}
        self._trues, self._falses = [0] * polls, [0] * polls
        self._held = [0] * polls
        self._ranked: list[list[float]] = [[] for _ in range(ranks)]
        self._turns: list[tuple[Due, DeviceKey]] = []
        self._undo: list[tuple[DeviceKey, Answer | None]] = []

    def put(self, key: DeviceKey, answer: Answer | None) -> Answer | None:
        """Take a device's answer, or None where it does not belong to the group any more; return the one before."""
        before = self.answers.get(key)
        if before != answer:
            self._undo.append((key, before))
            self._set(key, before, answer)
        return before

    def count(self, place: int) -> int | Interval:
        """Return for how many devices a condition is true, as bounds where it is unknown for some."""
        known = self._trues[place] + self._falses[place]
        true, unknown = self._trues[place], len(self.answers) - known
        return Interval(true, true + unknown) if unknown else true

    def share(self, place: int) -> Any:
        """Return for which fraction of the devices a condition is true; None where there are none."""
        found = self.count(place)
        if not self.answers:
            return None
        if isinstance(found, Interval):
            return Interval(found.low / len(self.answers), found.high / len(self.answers))
        return found / len(self.answers)

    def counts(self, place: int) -> tuple[int, int, int]:
        """Return for how many devices a condition is true, false, and unknown."""
        true, false = self._trues[place], self._falses[place]
        return true, false, len(self.answers) - true - false

    def agreeing(self) -> list[DeviceKey]:
        """Return the devices for which any of the conditions is true."""
        return [key for key, answer in self.answers.items() if True in answer.truths]

    def median(self, place: int, without: Any) -> Any:
        """Return the median of the devices' values, one device left out; None where there are none."""
        ordered, own = self._ranked[place], self.answers.get(without)
        left_out = len(ordered)
        if own is not None and own.values[place] is not None:
            left_out = bisect_left(ordered, own.values[place])
        middle, odd = divmod(len(ordered) - (left_out < len(ordered)), 2)
        if not middle and not odd:
            return None
        above = ordered[middle + (middle >= left_out)]
        if odd:
            return above
        return calculate("/", calculate("+", ordered[middle - 1 + (middle - 1 >= left_out)], above), 2)

    @property
    def lapsed(self) -> bool:
        """Tell whether something is unknown for want of fresh samples, not only of a value in one of them."""
        return self.lapsed_among(range(len(self._trues)), range(len(self._ranked)))

    def lapsed_among(self, polls: Iterable[int], ranks: Iterable[int]) -> bool:
        """Tell the same of the conditions and the metrics at some places."""
        unknown = False
        for place in polls:
            if self._held[place]:
                return False
            unknown |= self._trues[place] + self._falses[place] < len(self.answers)
        return unknown or any(len(self._ranked[place]) < 2 for place in ranks)

    def next_turn(self) -> tuple[Due, DeviceKey] | None:
        """Return when time alone may change an answer next, and whose."""
        turns = self._turns
        while turns:
            due, key = turns[0]
            answer = self.answers.get(key)
            if answer is not None and answer.turn == due:
                return turns[0]
            heappop(turns)
        return None

    def drop(self) -> None:
        """Return to the answers before the last `apply`."""
        for key, before in reversed(self._undo):
            self._set(key, self.answers.get(key), before)
        self._undo = []

    def apply(self) -> None:
        """Keep the answers as they are."""
        if self._undo:
            self._undo = []

    def _set(self, key: DeviceKey, before: Answer | None, after: Answer | None) -> None:
        if before is not None:
            self._weigh(before, -1)
        if after is None:
            self.answers.pop(key, None)
            return
        self.answers[key] = after
        self._weigh(after, 1)
        if after.turn is not None:
            heappush(self._turns, (after.turn, key))
            if len(self._turns) > 2 * len(self.answers) + _SLACK:
                self._turns = [(said.turn, whose) for whose, said in self.answers.items() if said.turn is not None]
                heapify(self._turns)

    def _weigh(self, answer: Answer, sign: int) -> None:
        for place, truth in enumerate(answer.truths):
            if truth:
                self._trues[place] += sign
            elif truth is False:
                self._falses[place] += sign
            elif answer.held[place]:
                self._held[place] += sign
        for ordered, value in zip(self._ranked, answer.values, strict=True):
            if value is None:
                continue
            if sign > 0:
                insort(ordered, value)
            else:
                del ordered[bisect_left(ordered, value)]
