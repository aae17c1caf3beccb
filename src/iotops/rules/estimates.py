"""What windows keep for statistics: exact sums and sorted samples, nothing that drifts as samples come and go."""

from bisect import bisect_left, insort
from math import isqrt
from typing import Any, Final

from iotops.rules.accumulators import Total
from iotops.rules.values import NUMBERS, calculate

_ROOT_BITS: Final = 128  # of the square: its root then has 64 bits, eleven more than a float


class Spread:
    """The exact sums of the numbers and of their squares, in whole multiples of the finest power of two seen.

    Nothing is lost where the mean is large and the spread small: the difference of the sums is exact, too.
    """

    __slots__ = ("_count", "_shift", "_squares", "_sum")

    def __init__(self) -> None:
        self._count = self._shift = self._squares = self._sum = 0

    def add(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Take in an element; what is no number does not count."""
        if element.__class__ in NUMBERS:
            self._put(element, 1)

    def remove(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Let go an element."""
        if element.__class__ in NUMBERS:
            self._put(element, -1)

    def _put(self, number: float, sign: int) -> None:
        numerator, denominator = number.as_integer_ratio()
        shift = denominator.bit_length() - 1
        if shift > self._shift:
            self._sum <<= shift - self._shift
            self._squares <<= 2 * (shift - self._shift)
            self._shift = shift
        scaled = numerator << (self._shift - shift)
        self._count += sign
        self._sum += sign * scaled
        self._squares += sign * scaled * scaled

    @property
    def deviation(self) -> float | None:
        """Return the standard deviation of the population, within one unit in the last place; None of no numbers."""
        if not self._count:
            return None
        square = self._count * self._squares - self._sum * self._sum
        more = max(0, _ROOT_BITS - square.bit_length() + 1) // 2
        root = isqrt(square << 2 * more)
        found: float | None = calculate("/", root, self._count << (self._shift + more))
        return found


class Ranks:
    """The numbers in ascending order; equal ones, as 1 and 1.0, in the order in which they came and will leave.

    A plain list: finding the place takes a few comparisons, making room moves pointers in one block. With taking the
    sample in and reading the window that is 2 µs at 1 000 samples (an average costs the same), 10 µs at 86 400 (a day,
    one a second) and 90 µs at 604 800. Many samples at once, as after a restart, are sorted in together.
    """

    __slots__ = ("_fresh", "_ordered")

    def __init__(self) -> None:
        self._ordered: list[float] = []
        self._fresh: list[float] = []

    def add(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Take in an element; what is no number does not count."""
        if element.__class__ in NUMBERS:
            self._fresh.append(element)

    def remove(self, _at_ms: int, element: Any, _before: Any) -> None:
        """Let go an element."""
        if element.__class__ in NUMBERS:
            self._merge()
            del self._ordered[bisect_left(self._ordered, element)]

    def quantile(self, fraction: float) -> float | None:
        """Return the number below which a fraction from 0 to 1 lies, on the line between the two closest ranks.

        As `quantile_over_time` of Prometheus: rank `fraction * (n - 1)`, counted from 0. None of no numbers.
        """
        self._merge()
        if not self._ordered:
            return None
        rank = fraction * (len(self._ordered) - 1)
        below = int(rank)
        weight = rank - below
        low = self._ordered[below]
        if not weight:
            return low
        high = self._ordered[below + 1]
        # Rounding shall not lead out of the two: a constant series has the constant as its quantile.
        return min(max(low * (1 - weight) + high * weight, low), high)

    def _merge(self) -> None:
        fresh = self._fresh
        if len(fresh) == 1:
            insort(self._ordered, fresh[0])
        elif fresh:
            self._ordered.extend(fresh)
            self._ordered.sort()
        fresh.clear()


class Trend:
    """The exact sums that a straight line through the numbers over time is made of.

    Times count from 1970 as everywhere: whole numbers lose nothing, so that a fit on large times is as good as on small
    ones, and a constant series has a slope of exactly zero.
    """

    __slots__ = ("_moments", "_squares", "_times", "_values")

    def __init__(self) -> None:
        self._times = self._squares = 0
        self._values = Total()
        self._moments = Total()

    def add(self, at_ms: int, element: Any, _before: Any) -> None:
        """Take in an element; what is no number does not count."""
        if element.__class__ in NUMBERS:
            self._put(at_ms, element, 1)

    def remove(self, at_ms: int, element: Any, _before: Any) -> None:
        """Let go an element."""
        if element.__class__ in NUMBERS:
            self._put(at_ms, element, -1)

    def _put(self, at_ms: int, number: float, sign: int) -> None:
        self._times += sign * at_ms
        self._squares += sign * at_ms * at_ms
        self._values.count += sign
        self._values.put(number, sign)
        self._moments.put(number, sign * at_ms)

    def at(self, at_ms: float) -> float | None:
        """Return where the line of least squares is at an instant, correctly rounded; None below two numbers."""
        count, times, values = self._values.count, self._times, self._values.scaled
        if count < 2:
            return None
        numerator, denominator = at_ms.as_integer_ratio()
        # Both totals have seen the same numbers and hence count in the same power of two.
        run = count * self._squares - times * times
        rise = count * self._moments.scaled - times * values
        ahead = count * numerator - times * denominator
        found: float | None = calculate(
            "/", values * run * denominator + rise * ahead, count * run * denominator << self._values.shift
        )
        return found
