"""What windows keep while samples come and go: each step costs the same however long the window is."""

from collections import deque
from typing import Any, Protocol

from iotops.rules.values import NUMBERS, calculate


class Accumulator(Protocol):
    """Follows the elements of a window, which stand at different times.

    `before` is the element ahead of the added or removed one, None if unknown.
    """

    def add(self, at_ms: int, element: Any, before: Any) -> None:
        """Take in the element that enters at the new end of the window."""

    def remove(self, at_ms: int, element: Any, before: Any) -> None:
        """Let go the element that leaves at the old end of the window."""


class Total:
    """An exact sum: it depends neither on the order of the additions nor on what was removed since.

    Every float is a whole number of some power of two; the sum is held as whole multiples of the finest power seen
    (`2**-shift`), so adding and removing are integer operations: about 0.6 µs each for sensor values (60-bit
    integers), a few µs should somebody send 1e-300.
    """

    __slots__ = ("count", "floats", "scaled", "shift")

    def __init__(self) -> None:
        self.scaled = 0
        self.shift = 0
        self.count = 0
        self.floats = 0

    def add(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Take in an element; what is no number does not count."""
        if element.__class__ in NUMBERS:
            self.count += 1
            self.floats += element.__class__ is float
            self.put(element, 1)

    def remove(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Let go an element."""
        if element.__class__ in NUMBERS:
            self.count -= 1
            self.floats -= element.__class__ is float
            self.put(element, -1)

    def put(self, number: float, times: int) -> None:
        """Add a number so many times; `floats` counts the numbers that are not whole by kind, and is the caller's."""
        if number.__class__ is int:
            self.scaled += times * int(number) << self.shift
            return
        numerator, denominator = number.as_integer_ratio()
        shift = denominator.bit_length() - 1
        if shift > self.shift:
            self.scaled <<= shift - self.shift
            self.shift = shift
        self.scaled += times * numerator << (self.shift - shift)

    @property
    def sum(self) -> float | int | None:
        """Return the sum, correctly rounded; a whole number where all elements are; None beyond every float."""
        if not self.floats:
            return self.scaled >> self.shift
        found: float | None = calculate("/", self.scaled, 1 << self.shift)
        return found

    @property
    def mean(self) -> float:
        """Return the mean, correctly rounded. There must be an element."""
        return self.scaled / (self.count << self.shift)


class Trues:
    """How many elements are true, and of how many it is unknown."""

    __slots__ = ("true", "unknown")

    def __init__(self) -> None:
        self.true = self.unknown = 0

    def add(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Take in an element."""
        self.true += element is True
        self.unknown += element is None

    def remove(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Let go an element."""
        self.true -= element is True
        self.unknown -= element is None


class Extreme:
    """The largest element (sign 1) or the smallest (sign -1), by a monotonic deque."""

    __slots__ = ("_candidates", "_sign")

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._candidates: deque[tuple[int, Any]] = deque()

    def add(self, at_ms: int, element: Any, _before: Any) -> None:
        """Take in an element: it ends the hopes of all that are not better."""
        if element.__class__ in NUMBERS:
            candidates, rank = self._candidates, self._sign * element
            while candidates and candidates[-1][1] * self._sign <= rank:
                candidates.pop()
            candidates.append((at_ms, element))

    def remove(self, at_ms: int, _element: Any, _before: Any) -> None:
        """Let go an element."""
        if self._candidates and self._candidates[0][0] <= at_ms:
            self._candidates.popleft()

    @property
    def best(self) -> float | int | None:
        """Return the best element, None where there is no number."""
        return self._candidates[0][1] if self._candidates else None


class Steps:
    """The sum of positive steps; a drop is a reset and adds the new value. Integers stay integers."""

    __slots__ = ("_total",)

    def __init__(self) -> None:
        self._total = Total()

    def add(self, _at_ms: int, element: Any, before: Any) -> None:
        """Take in the step that ends at this element."""
        self._put(element, before, 1)

    def remove(self, _at_ms: int, element: Any, before: Any) -> None:
        """Let go the step that ends at this element."""
        self._put(element, before, -1)

    def _put(self, element: Any, before: Any, sign: int) -> None:
        if element.__class__ not in NUMBERS or before.__class__ not in NUMBERS:
            return
        self._total.put(element, sign)
        self._total.floats += sign * (element.__class__ is float or before.__class__ is float)
        if element >= before:
            self._total.put(before, -sign)

    @property
    def sum(self) -> float | int | None:
        """Return the increase over the window; None beyond every float."""
        return self._total.sum
