"""Which messages the broker still waits to hear about."""

import contextlib
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence

from iotops.ingest.receiver import Delivery


class Confirmations:
    """The unconfirmed messages of one connection at a time, and the confirmations on their way to it.

    `queue` may be called from any thread, `begin`, `expect` and `due` from one other. A confirmation counts once, and
    only on the connection (epoch) that brought its message: each connection counts its message ids afresh.
    """

    def __init__(self) -> None:
        self.epoch = 0
        self.stale = 0
        self._open: OrderedDict[int, int] = OrderedDict()  # message id -> monotonic time of receipt
        self._safe: deque[Sequence[Delivery]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def begin(self) -> None:
        """Start the next connection: what was open on the last one will be delivered again."""
        self.epoch += 1
        self._open.clear()

    def expect(self, mids: Iterable[int], now_ms: int) -> None:
        """Note messages that were received at this monotonic time and must be confirmed."""
        self._open.update(dict.fromkeys(mids, now_ms))

    def queue(self, deliveries: Sequence[Delivery]) -> None:
        """Note messages that are safe, in the order in which they are to be confirmed."""
        self._safe.append(deliveries)

    def due(self) -> list[int]:
        """Return the message ids to confirm now; stale confirmations are counted and gone."""
        mids = []
        epoch, settle = self.epoch, self._open.pop
        while self._safe:
            for delivery in self._safe.popleft():
                if delivery.epoch != epoch:
                    self.stale += 1
                elif settle(delivery.mid, None) is not None:
                    mids.append(delivery.mid)
        return mids

    def oldest_ms(self, now_ms: int) -> int:
        """Return the age of the oldest unconfirmed message, 0 where there is none."""
        with contextlib.suppress(StopIteration, RuntimeError):  # RuntimeError: it changed while another thread looked
            return now_ms - next(iter(self._open.values()))
        return 0
