"""What anybody may read without a token: how often one address may ask, and answers that are kept for a moment."""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from iotops.clock import monotonic_ms

T = TypeVar("T")

KEPT_MS = 10_000
"""How old a kept answer may be; however many ask, the database is read that seldom."""
BURST = 60
EVERY_MS = 500
"""One address may ask that often at once, and then once in that time: a page that a whole office looks at passes."""
_ADDRESSES = 4_096  # remembered; who is forgotten begins anew


class Allowance:
    """Says per address whether it may ask again. Safe for threads."""

    def __init__(self, now_ms: Callable[[], int] = monotonic_ms) -> None:
        self._now_ms = now_ms
        self._spent_until_ms: OrderedDict[str, int] = OrderedDict()
        self._lock = Lock()

    def wait_ms(self, address: str) -> int:
        """Return 0 where the address may ask now, and count that; else how long it has to wait."""
        with self._lock:
            now_ms = self._now_ms()
            spent_ms = max(self._spent_until_ms.pop(address, now_ms), now_ms) + EVERY_MS
            over_ms = spent_ms - now_ms - BURST * EVERY_MS
            self._spent_until_ms[address] = spent_ms - EVERY_MS if over_ms > 0 else spent_ms
            while len(self._spent_until_ms) > _ADDRESSES:
                self._spent_until_ms.popitem(last=False)
            return max(0, over_ms)


class Kept(Generic[T]):
    """The last answer per name, for a moment. Safe for threads; two that ask at once may both compute."""

    def __init__(self, now_ms: Callable[[], int] = monotonic_ms, most: int = 1_000) -> None:
        self._now_ms, self._most = now_ms, most
        self._answers: OrderedDict[str, tuple[int, T]] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str, compute: Callable[[], T]) -> T:
        """Return the answer of a name, computed where none is young enough."""
        with self._lock:
            made_ms, answer = self._answers.get(name, (None, None))
        if made_ms is not None and answer is not None and self._now_ms() - made_ms < KEPT_MS:
            return answer
        fresh = compute()
        with self._lock:
            self._answers[name] = (self._now_ms(), fresh)
            self._answers.move_to_end(name)
            while len(self._answers) > self._most:
                self._answers.popitem(last=False)
        return fresh
