"""How often somebody may ask, and how often be wrong about who they are."""

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

_KNOWN = 10_000  # callers and addresses remembered; whoever has not come for longest is forgotten, and starts anew


class Pace:
    """So many requests a second for each caller, and a burst above that.

    Args:
        per_s: requests a second in the long run; 0: no limit.
        burst: requests at once after a pause.
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, caller: str, now_ms: int) -> int:
        """Count one request; return 0 where it may pass, else after how many whole seconds the next one may."""
        if not self._per_s:
            return 0
        left, at_ms = self._left.pop(caller, (float(self._burst), now_ms))
        left = min(float(self._burst), left + max(0, now_ms - at_ms) * self._per_s / 1_000)
        passes = left >= 1
        self._left[caller] = (left - 1 if passes else left, now_ms)
        if len(self._left) > _KNOWN:
            self._left.popitem(last=False)
        return 0 if passes else math.ceil((1 - left) / self._per_s)


class Failures:
    """Sign-ins that failed, by address; beyond `most` within `within_ms` an address is told to wait.

    What it must wait with is only being wrong: whoever comes with a good token passes all the same, so that nobody
    can lock out others behind the same address. 256 random bits are not found by trying.
    """

    def __init__(self, most: int, within_ms: int) -> None:
        self._most = most
        self._within_ms = within_ms
        self._times: OrderedDict[str, deque[int]] = OrderedDict()

    def wait_s(self, address: str, now_ms: int) -> int:
        """Count one failure; return 0 within the bound, else how many whole seconds until it is kept again."""
        times = self._times.pop(address, None) or deque(maxlen=self._most)
        self._times[address] = times
        if len(self._times) > _KNOWN:
            self._times.popitem(last=False)
        while times and now_ms - times[0] >= self._within_ms:
            times.popleft()
        if len(times) < self._most:
            times.append(now_ms)
            return 0
        return math.ceil((self._within_ms - (now_ms - times[0])) / 1_000)


class Streams:
    """How many event streams each caller has open."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[str] = Counter()

    def is_full(self, caller: str) -> bool:
        """Say whether the caller has as many as may be."""
        return self._open[caller] >= self._most

    @contextmanager
    def one(self, caller: str) -> Iterator[None]:
        """Count one as open within."""
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]
