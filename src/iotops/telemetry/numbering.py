"""Which numbers (`seq`) of one device never came, as far as its numbers prove it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from iotops.telemetry.reading import Kind, Value

MISSING: Final = "@missing"
"""How many messages are missing, as a metric of our own. Only readings of devices that miss some have it, and the
first ones after; beside it, while it is not 0, between which numbers."""
FIRST: Final = "@missing_first"
LAST: Final = "@missing_last"
WAIT_MS: Final = 120_000
"""So long a message may come late: of connected time, or of the device's own time and `WINDOW` later messages."""
WINDOW: Final = 16
QUIET_MS: Final = 600_000
"""Time without a new gap, of either kind, after which what was missed is history, and the count begins anew."""

_STEPS = 3  # by one, one after the other: then a device is known to count its messages, and not in any other way
_LEAPS = 8  # one after the other, without a step by one: then it does so no longer
_HOLES = 32  # of a device at once that can still be filled; the oldest beyond are counted, and no more
_BOOTS = 4  # former ones that are known as such
_BACK = 1_000  # a device without `boot` that goes back further than this has begun anew


class Moment(NamedTuple):
    """When a message came: its event time, and the broker-connected time at its receipt."""

    at_ms: int
    connected_ms: int

    def since(self, before: "Moment") -> int:
        """Return how much time has passed, on that clock that says more."""
        return max(self.at_ms - before.at_ms, self.connected_ms - before.connected_ms)


class Hole(NamedTuple):
    """Numbers of one start of a device that have not come, both ends included.

    Attributes:
        seen: when the number after them came.
        final: nobody waits for them any more.
    """

    boot: str | None
    first: int
    last: int
    seen: Moment
    final: bool = False

    @property
    def size(self) -> int:
        """Return how many numbers they are."""
        return self.last - self.first + 1

    def without(self, seq: int) -> "tuple[Hole, ...]":
        """Return what is left once a number has come."""
        rest = (self._replace(last=seq - 1), self._replace(first=seq + 1))
        return tuple(hole for hole in rest if hole.first <= hole.last)


@dataclass(slots=True)
class Numbering:
    """How the numbers of a device have come. Telemetry, events and status may share one counter, or may not.

    A number is missing where a lower and, in telemetry, a higher one of the same start came, itself in no message, and
    the time is over in which it might. What came before the first one that was heard of a start, or after the last, is
    not known.

    Attributes:
        boot: its newest start; None for a device that does not say.
        top, heard: the highest number of this start, and the highest in telemetry.
        former: starts before.
        steps: how often the counter moved on by one, up to what proves that it counts messages.
        leaps: how often it did not, one after the other.
        holes: what may still come, by age.
        given_up: missing numbers beyond those, which cannot be filled.
        unusable: dead letters since `top`: their numbers nobody knows, but they came.
        excused: missing numbers that were such.
        newest: when something was found to be missing last.
        is_plain: the next number is one more, or else something has happened.
    """

    boot: str | None
    top: int
    heard: int
    former: tuple[str | None, ...] = ()
    steps: int = 0
    leaps: int = 0
    holes: tuple[Hole, ...] = ()
    given_up: int = 0
    unusable: int = 0
    excused: int = 0
    newest: Moment = Moment(0, 0)  # noqa: RUF009  it cannot change
    is_plain: bool = False

    @property
    def counts(self) -> bool:
        """Tell whether the device is known to number its messages one by one."""
        return self.steps >= _STEPS

    @property
    def missing(self) -> int:
        """Return how many messages are missing."""
        return max(0, self.given_up + sum(hole.size for hole in self._certain()) - self.excused)

    @property
    def waits(self) -> bool:
        """Tell whether anything is missing, or may turn out to be."""
        return bool(self.holes or self.given_up)

    @property
    def lasting(self) -> tuple[object, ...]:
        """Return all but what the arrivals say as well: this must be written down when it changes."""
        return (
            self.boot,
            self.former,
            self.counts,
            self.leaps,
            self.holes,
            self.given_up,
            self.unusable,
            self.excused,
            self.newest,
        )

    def values(self) -> Mapping[str, Value]:
        """Return what a reading says about it: how many, and between which numbers of the newest start with any."""
        missing, certain = self.missing, self._certain()
        if not missing or not certain:
            return {MISSING: missing}
        numbers = [hole for hole in certain if hole.boot == certain[-1].boot]
        return {MISSING: missing, FIRST: min(each.first for each in numbers), LAST: max(each.last for each in numbers)}

    def take(self, boot: str | None, seq: int, kind: Kind, now: Moment) -> None:
        """Go on to a message that came for the first time, now."""
        is_telemetry = kind is Kind.TELEMETRY
        if self.holes and self._fill(boot, seq):
            pass
        elif boot != self.boot:
            if boot not in self.former and kind is not Kind.EVENT:  # events may have numbers of their own
                self._begin(boot, seq)
        elif seq > self.top:
            self._advance(seq, now)
        elif boot is None and is_telemetry and seq < self.top - _BACK:
            self._begin(boot, seq)
        if is_telemetry and boot == self.boot and seq > self.heard:
            self.heard = seq
        self._judge()

    def spoil(self) -> None:
        """Take note of a message that came and cannot be used: nobody knows its number."""
        if self.counts:
            self.unusable += 1
            self._judge()

    def age(self, now: Moment) -> None:
        """Wait no longer for what should have come by now, and forget what was missed long ago."""
        ripe = [not hole.final and self._is_over(hole, now) for hole in self.holes]
        if any(ripe):
            self.holes = tuple(
                hole._replace(final=hole.final or over) for hole, over in zip(self.holes, ripe, strict=True)
            )
            self.newest = now
        elif self.missing and now.since(self.newest) >= QUIET_MS:
            self.holes = tuple(hole for hole in self.holes if not hole.final)
            self.given_up = self.excused = 0

    def lift(self, top: int, heard: int) -> None:
        """Catch up with arrivals that came after this was written down."""
        self.top, self.heard = max(self.top, top), max(self.heard, heard)

    def _begin(self, boot: str | None, seq: int) -> None:
        if boot != self.boot:
            self.former = (*self.former, self.boot)[-_BOOTS:]
        else:  # its numbers mean other messages from now on
            self.given_up += sum(hole.size for hole in self.holes)
            self.holes = ()
        self.boot, self.top, self.heard, self.unusable = boot, seq, seq, 0

    def _advance(self, seq: int, now: Moment) -> None:
        skipped = seq - self.top - 1
        excused, self.unusable = min(skipped, self.unusable), 0
        if skipped == excused:
            self.steps, self.leaps = min(self.steps + 1, _STEPS), 0
        elif self.counts:
            self._leap(Hole(self.boot, self.top + 1, seq - 1, now), excused)
        else:
            self.steps = 0
        self.top = seq

    def _leap(self, hole: Hole, excused: int) -> None:
        self.leaps += 1
        if self.leaps >= _LEAPS:
            self.steps = self.leaps = 0
            self.holes = ()
            self.given_up = self.excused = 0
            return
        self.holes = (*self.holes, hole)
        self.excused += excused
        self._bound()

    def _fill(self, boot: str | None, seq: int) -> bool:
        for index, hole in enumerate(self.holes):
            if hole.boot == boot and hole.first <= seq <= hole.last:
                self.holes = (*self.holes[:index], *hole.without(seq), *self.holes[index + 1 :])
                self._bound()
                if not self.holes:
                    self.excused = min(self.excused, self.given_up)
                return True
        return False

    def _bound(self) -> None:
        if len(self.holes) > _HOLES:
            self.given_up += self.holes[0].size
            self.holes = self.holes[1:]

    def _certain(self) -> list[Hole]:
        """Return what is missing, up to the highest number that telemetry has: beyond, another counter may be ahead."""
        return [
            hole if hole.boot != self.boot else hole._replace(last=min(hole.last, self.heard))
            for hole in self.holes
            if hole.final and (hole.boot != self.boot or hole.first <= self.heard)
        ]

    def _is_over(self, hole: Hole, now: Moment) -> bool:
        if now.connected_ms - hole.seen.connected_ms >= WAIT_MS:
            return True
        is_passed = hole.boot != self.boot or self.heard - hole.last >= WINDOW
        return is_passed and now.at_ms - hole.seen.at_ms >= WAIT_MS

    def _judge(self) -> None:
        self.is_plain = self.counts and not self.unusable and not self.leaps
