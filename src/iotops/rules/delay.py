"""A device as its rules with a `lateness` see it: so far behind that samples which come late stand in their order.

Each rule with a `lateness` is judged on a view of its device whose clock is that much behind the device's own. What
arrives waits until the view's clock has passed it, and then enters in the order of event times.
"""

from bisect import insort
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from iotops.rules.device import DeviceMemory
from iotops.telemetry.reading import Reading

HELD: Final = 4_096
"""Readings of a device that wait at most, for each lateness; beyond that the oldest is judged before its time."""

Feed = Callable[[DeviceMemory, Reading, int], None]
"""How a reading enters a view at an instant."""


class Held(NamedTuple):
    """A reading that waits, at its place in event time.

    Attributes:
        number: counts arrivals, so that readings of one instant stay in the order in which they came.
        pause_ms: for how long before it arrived nobody could hear the device.
    """

    at_ms: int
    number: int
    pause_ms: int
    reading: Reading


class Arrival(NamedTuple):
    """A reading that the device's own clock has taken in.

    Attributes:
        at_ms: where it belongs on the device's clock.
        before_ms: the newest event time before it, None where it is the first.
        pause_ms: see `Held`.
    """

    reading: Reading
    at_ms: int
    before_ms: int | None
    pause_ms: int


class Delay:
    """What of one device waits for one lateness.

    Attributes:
        view: the device as it was that long ago. Alerts and attempts are the device's own: every rule sees them.
        held: what waits, in the order of event times.
    """

    __slots__ = ("_mark", "_number", "device", "held", "lateness_ms", "view")

    def __init__(self, device: DeviceMemory, lateness_ms: int) -> None:
        self.device = device
        self.lateness_ms = lateness_ms
        self.view = DeviceMemory(device.facts)
        self.view.front, self.view.lateness_ms = device, lateness_ms
        self.held: list[Held] = []
        self._number = 0
        self._mark: tuple[Any, ...] | None = None
        self.share()

    def share(self) -> None:
        """Let the view have the alerts and attempts that the device has."""
        self.view.open, self.view.attempts = self.device.open, self.device.attempts

    def follow(self) -> None:
        """Keep the view's clock behind that of the device, by exactly the lateness."""
        self.view.connected_ms = self.device.connected_at(self.view.event_ms + self.lateness_ms)

    def soonest_ms(self) -> int | None:
        """Return when on the view's clock something is to be judged next."""
        due = self.view.next_due
        if not self.held:
            return None if due is None else due.at_ms
        return self.held[0].at_ms if due is None else min(self.held[0].at_ms, due.at_ms)

    def pass_time(self, until_ms: int, feed: Feed, timers: Callable[[DeviceMemory, int], None] | None) -> None:
        """Let in what waits, and run timers, up to an instant of the view's clock; samples precede timers."""
        self.follow()
        while self.held or timers is not None:
            at_ms = self.soonest_ms() if timers is not None else self.held[0].at_ms
            if at_ms is None or at_ms > until_ms:
                return
            if self.held and self.held[0].at_ms == at_ms:
                self._let_in(feed)
            elif timers is not None:
                timers(self.view, at_ms)

    def receive(self, arrival: Arrival, feed: Feed, late: Feed) -> tuple[bool, int]:
        """Take a reading that arrived; return whether it is later than the lateness, and how many are judged too early.

        A later reading, for which there is `late`, stands in the windows from now on, where the view's clock is: it
        turns nothing back.
        """
        self.follow()
        if arrival.before_ms is not None and arrival.at_ms < arrival.before_ms - self.lateness_ms:
            self._move_to(arrival.before_ms - self.lateness_ms, arrival.at_ms)
            late(self.view, arrival.reading, arrival.at_ms)
            return True, 0
        self.hold(arrival.at_ms, arrival.pause_ms, arrival.reading)
        early = len(self.held) - HELD
        for _ in range(early):
            self._let_in(feed)
        return False, max(early, 0)

    def hold(self, at_ms: int, pause_ms: int, reading: Reading) -> None:
        """Have a reading wait."""
        self._number += 1
        insort(self.held, Held(at_ms, self._number, pause_ms, reading))
        self._count_pause()

    def _let_in(self, feed: Feed) -> None:
        """Let the first reading in, as if it had arrived when the view's clock comes to it."""
        held = self.held.pop(0)
        feed(self.view, held.reading, held.at_ms)
        self.follow()
        self._count_pause()

    def _count_pause(self) -> None:
        """Count the pause before the reading that is next: `age()` did not run meanwhile."""
        if self.held and self.held[0].pause_ms:
            self.view.paused_ms += self.held[0].pause_ms
            self.held[0] = self.held[0]._replace(pause_ms=0)

    def _move_to(self, at_ms: int, first_ms: int) -> None:
        """Have the view stand at an instant, at which nothing needs to have come."""
        view = self.view
        if not view.started:
            view.started, view.first_ms = True, first_ms
        view.event_ms = max(view.event_ms, at_ms)
        self.follow()

    def mark(self) -> None:
        """Remember the present state."""
        self._mark = (list(self.held), self._number)
        self.view.mark()

    def drop(self) -> None:
        """Return to the remembered state."""
        if self._mark is not None:
            self.held, self._number = self._mark
            self._mark = None
        self.view.drop()
        self.share()

    def apply(self) -> None:
        """Forget the remembered state."""
        self._mark = None
        self.view.apply()
