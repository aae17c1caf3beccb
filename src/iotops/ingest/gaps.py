"""Whose messages are missing; their readings say how many until they have come, or all is quiet for long."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from iotops.errors import DecodeError
from iotops.rules.memory import Memory
from iotops.rules.source.own import DATA_GAP
from iotops.store.numberings import decode, encode
from iotops.store.trails import Trails
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.numbering import MISSING, Moment, Numbering
from iotops.telemetry.reading import DeviceKey, Kind, Reading
from iotops.telemetry.topic import parse_topic


class GapWatch:
    """Follows the numbers of devices, and adds to readings of those that miss messages how many.

    A batch that fails needs no undoing: what was not committed is read back, as after a restart. The readings that say
    so are stored like any other, so that the engine's memory of them survives, too.

    Args:
        saved: device -> what the newest commit says of its numbers; followed by whoever commits.

    Attributes:
        changed: what the batch that was looked at last changes of `saved`.
        counts: how many messages it showed to be missing (`skipped`), and to have come after all (`filled`).
    """

    def __init__(self, memory: Memory, trails: Trails, saved: Mapping[DeviceKey, bytes]) -> None:
        self.changed: dict[DeviceKey, bytes] = {}
        self.counts: Counter[str] = Counter()
        self._memory = memory
        self._trails = trails
        self._saved = saved
        self._now: dict[DeviceKey, Numbering] = {}
        self._suspects: set[DeviceKey] = set()
        self._is_new = True
        self._is_settled = True

    def look(self, readings: Sequence[Reading], letters: Iterable[DeadLetter] = ()) -> Sequence[Reading]:
        """Return the readings of a batch, those of devices that miss messages with what is known of that.

        Args:
            readings: those that came for the first time, in arrival order.
            letters: of the same batch: dead letters that are new.
        """
        self._begin()
        suspects = self._whom_to_tell()
        spoilt = deque(sorted(_senders(letters)))
        now, told = self._now, {}
        for row, reading in enumerate(readings):
            seq, key = reading.seq, reading.key
            while spoilt and spoilt[0][0] < reading.message:
                self._spoil(spoilt.popleft()[1])
            if seq is not None and not reading.retained:
                numbering = now.get(key)
                if (
                    numbering is not None
                    and numbering.is_plain
                    and seq == numbering.top + 1
                    and reading.boot == numbering.boot
                ):
                    numbering.top = seq
                    if reading.kind is Kind.TELEMETRY:
                        numbering.heard = seq
                elif numbering is None or seq != numbering.heard or reading.boot != numbering.boot:
                    self._take(reading, seq)
            if suspects and key in suspects:
                told[row] = self._tell(reading)
        while spoilt:
            self._spoil(spoilt.popleft()[1])
        return [told.get(row, reading) for row, reading in enumerate(readings)] if told else readings

    def settle(self) -> None:
        """Take note that the batch is committed."""
        self._is_settled = True

    def _begin(self) -> None:
        if not self._is_settled:
            self._now.clear()
        self._is_settled = False
        self.changed = {}
        self.counts = Counter()

    def _whom_to_tell(self) -> set[DeviceKey]:
        if self._is_new:
            self._suspects = {device.key for device in self._memory}.union(self._saved)
            self._is_new = False
        if self._suspects:
            self._suspects = {key for key in self._suspects if self._waits(key) or self._was_told(key)}
        return self._suspects

    def _take(self, reading: Reading, seq: int) -> None:
        key = reading.key
        numbering = self._known(key)
        if numbering is None:
            if reading.kind is not Kind.EVENT:
                self._now[key] = Numbering(reading.boot, seq, seq)
            return
        before, lasting = numbering.missing, numbering.lasting
        numbering.take(reading.boot, seq, reading.kind, Moment(reading.at_ms, reading.connected_ms))
        if numbering.missing < before:
            self.counts["filled"] += before - numbering.missing
        if numbering.waits:
            self._suspects.add(key)
        if numbering.lasting != lasting:
            self.changed[key] = encode(numbering)

    def _spoil(self, key: DeviceKey) -> None:
        numbering = self._known(key)
        if numbering is not None and numbering.counts:
            numbering.spoil()
            self.changed[key] = encode(numbering)

    def _tell(self, reading: Reading) -> Reading:
        if reading.retained or reading.kind is Kind.STATUS:
            return reading
        numbering = self._known(reading.key)
        if numbering is None:
            return reading
        before, lasting = numbering.missing, numbering.lasting
        numbering.age(Moment(reading.at_ms, reading.connected_ms))
        if numbering.missing > before:
            self.counts["skipped"] += numbering.missing - before
        if numbering.lasting != lasting:
            self.changed[reading.key] = encode(numbering)
        if numbering.missing or before or self._was_told(reading.key):
            return replace(reading, values={**reading.values, **numbering.values()})
        return reading

    def _known(self, key: DeviceKey) -> Numbering | None:
        numbering = self._now.get(key)
        if numbering is None and key in self._saved:
            numbering = self._now[key] = decode(self._saved[key])
            trail = self._trails.get(key)
            if trail is not None:
                numbering.lift(*trail.heights(numbering.boot))
        return numbering

    def _waits(self, key: DeviceKey) -> bool:
        numbering = self._known(key)
        return numbering is not None and numbering.waits

    def _was_told(self, key: DeviceKey) -> bool:
        device = self._memory.get(key)
        if device is None:
            return False
        series = device.series.get(MISSING)
        return DATA_GAP in device.open or (series is not None and bool(series.value))


def _senders(letters: Iterable[DeadLetter]) -> Iterable[tuple[int, DeviceKey]]:
    """Yield the place and the device of each dead letter that may have had a number."""
    for letter in letters:
        try:
            topic = parse_topic(letter.message.topic)
        except DecodeError:
            continue
        if topic.metric is None and letter.message.payload:
            yield letter.index, topic.key
