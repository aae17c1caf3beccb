"""How far one device's stored arrivals are."""

from dataclasses import dataclass, field

from iotops.store.arrivals import Arrival
from iotops.telemetry.reading import Kind, Reading

_BOOTS = 16  # whose counters are remembered; a device that starts more often is looked up


@dataclass(slots=True)
class Trail:
    """How far one device's stored arrivals are; enough to prove that most readings are new.

    Attributes:
        position: of its newest arrival.
        last_event_ms: highest event time.
        boots: counter (see `_counter`) -> highest seq, in the order of their first arrival; "" without a boot.
        boots_forgotten: there were more, so an unknown boot proves nothing.
        skewed: it once sent a time too far ahead, so its event times prove nothing.
    """

    device_id: int
    position: int | None = None
    last_seen_ms: int | None = None
    last_event_ms: int | None = None
    boots: dict[str, int] = field(default_factory=dict)
    boots_forgotten: bool = False
    skewed: bool = False

    def copy(self) -> "Trail":
        """Return one that can follow without changing this one."""
        return Trail(
            self.device_id,
            self.position,
            self.last_seen_ms,
            self.last_event_ms,
            dict(self.boots),
            self.boots_forgotten,
            self.skewed,
        )

    def follow(self, arrival: Arrival) -> None:
        """Go on to the device's next arrival."""
        self.position = arrival.position
        if self.last_seen_ms is None or arrival.received_ms > self.last_seen_ms:
            self.last_seen_ms = arrival.received_ms
        if self.last_event_ms is None or arrival.at_ms > self.last_event_ms:
            self.last_event_ms = arrival.at_ms
        self.skewed = self.skewed or bool(arrival.skewed)
        if arrival.seq is not None:
            self._count(_counter(arrival.kind, arrival.boot or ""), arrival.seq)

    def proves_new(self, reading: Reading) -> bool:
        """Tell whether a reading cannot be stored already; False means only that this is not enough to say.

        Follows what makes two readings the same (`iotops.telemetry.identity`): boot and seq; else the time that was
        sent, and content; else seq, content and ten minutes of receipt.
        """
        if reading.boot is not None and reading.seq is not None:
            highest = self.boots.get(_counter(reading.kind, reading.boot))
            return not self.boots_forgotten if highest is None else reading.seq > highest
        if reading.skewed or self.skewed:
            return False
        if reading.seq is not None and reading.at_ms == reading.received_ms:
            return False
        return self.last_event_ms is None or reading.at_ms > self.last_event_ms

    def heights(self, boot: str | None) -> tuple[int, int]:
        """Return the highest seq of one start of the device, and the highest in telemetry; -1 where there is none."""
        found = {kind: self.boots.get(_counter(kind, boot or ""), -1) for kind in Kind}
        return max(found.values()), found[Kind.TELEMETRY]

    def _count(self, counter: str, seq: int) -> None:
        highest = self.boots.get(counter)
        if highest is None or seq > highest:
            self.boots[counter] = seq
        if len(self.boots) > _BOOTS:
            del self.boots[next(iter(self.boots))]
            self.boots_forgotten = True


def _counter(kind: int, boot: str) -> str:
    """Return the name of a counter: a device may number its telemetry and its events apart.

    Should two have one name, the higher of them counts, and proves less, but nothing wrong.
    """
    return boot if kind == Kind.TELEMETRY else f"{kind:d}/{boot}"
