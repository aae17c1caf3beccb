"""The clocks of a promise: each is a function of the incident's timeline, the promise and the time now."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from iotops.incidents.business_time import after_counted, counted_ms
from iotops.incidents.promise import Promise
from iotops.incidents.timeline import Entry


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock at one instant; times in Unix milliseconds, durations in milliseconds of the calendar's time.

    Attributes:
        kind: respond, resolve or supplier.
        state: running; paused (a hold of the policy); stopped; cancelled (the incident was none, or is told elsewhere).
        target_ms: what is promised under the priority now in force; None: nothing.
        paused: the holds that did not count, the last one open at its end while it lasts.
        due_ms: when the time is used up if nothing else happens, or was when it stopped; None while paused.
        near_ms, breached_ms: when that share of it, or all of it, was used up with the clock still running.
        used_ms: how much was used. `left_ms`: target less used, below 0 when over; None where nothing is promised.
    """

    kind: str
    state: str
    started_ms: int
    target_ms: int | None
    paused: tuple[tuple[int, int | None], ...] = ()
    due_ms: int | None = None
    near_due_ms: int | None = None
    near_ms: int | None = None
    stopped_ms: int | None = None
    breached_ms: int | None = None
    used_ms: int = 0

    @property
    def left_ms(self) -> int | None:
        """Return the time that is left."""
        return None if self.target_ms is None else self.target_ms - self.used_ms

    @property
    def decided_ms(self) -> int | None:
        """Return when it was known whether the promise was kept; None as long as it is not, and where nobody asks."""
        if self.breached_ms is not None:
            return self.breached_ms
        return self.stopped_ms if self.state == "stopped" else None

    @property
    def next_ms(self) -> int | None:
        """Return when the clock has something to say if nothing else happens."""
        if self.state != "running":
            return None
        coming = (self.near_due_ms if self.near_ms is None else None, self.due_ms if self.breached_ms is None else None)
        return min((at_ms + 1 for at_ms in coming if at_ms is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What the clocks look at of an incident."""

    priority: str
    is_open: bool = True
    is_cancelled: bool = False
    is_seen: bool = False
    waits_for: str | None = None


@dataclass(slots=True)
class _Run:
    """One clock on its way along the timeline."""

    kind: str
    promise: Promise
    at_ms: int
    started_ms: int
    used_ms: int = 0
    target_ms: int | None = None
    due_ms: int | None = None
    near_due_ms: int | None = None
    near_ms: int | None = None
    breached_ms: int | None = None
    stopped_ms: int | None = None
    paused: list[tuple[int, int | None]] = field(default_factory=list)

    def pass_until(self, to_ms: int, standing: _Standing) -> None:
        """Let time pass in which nothing happens to the incident."""
        state = _state(self.kind, standing, self.promise)
        if state in ("running", "paused"):  # what people say of the priority after that changes no promise
            self.target_ms = self.promise.target_ms(self.kind, standing.priority)
            self.stopped_ms = None
        elif self.stopped_ms is None:
            self.stopped_ms = self.at_ms
        if state == "running":
            self._run_until(to_ms)
        elif state == "paused":
            self.due_ms = self.near_due_ms = None
            if self.paused and self.paused[-1][1] == self.at_ms:
                self.paused[-1] = (self.paused[-1][0], to_ms)
            else:
                self.paused.append((self.at_ms, to_ms))
        self.at_ms = to_ms

    def _run_until(self, to_ms: int) -> None:
        calendar = self.promise.calendar
        self.due_ms = self.near_due_ms = None
        if self.target_ms is not None:
            near_ms = round(self.target_ms * self.promise.near)
            self.due_ms = after_counted(calendar, self.at_ms, self.target_ms - self.used_ms)
            self.near_due_ms = after_counted(calendar, self.at_ms, near_ms - self.used_ms)
            if self.near_ms is None and self.near_due_ms is not None and self.near_due_ms < to_ms:
                self.near_ms = self.near_due_ms
            if self.breached_ms is None and self.due_ms is not None and self.due_ms < to_ms:
                self.breached_ms = self.due_ms
        self.used_ms += counted_ms(calendar, self.at_ms, to_ms)


def clock_of(entries: Iterable[Entry], promise: Promise, kind: str, now_ms: int) -> Clock | None:
    """Return a clock as it stands at `now_ms`; None where the timeline or the promise gives it nothing to do.

    A clock starts when the incident is raised. `respond` stops for good once somebody took the incident on; all stop
    when it is resolved, and go on where they stood when it is reopened. While the incident waits for a reason of
    `pause_on` they stand still. A change of priority aims what is left at the new target. Due is the first instant at
    which the target is used up; a clock that still runs after it is breached, and stays so.

    Args:
        entries: of one incident, in order; what comes after `now_ms` is left out.
        promise: what was promised.
        kind: respond, resolve or supplier.
        now_ms: the time to look at it.
    """
    standing: _Standing | None = None
    run: _Run | None = None
    for entry in entries:
        if entry.at_ms > now_ms:
            break
        if run is None or standing is None:
            if entry.type == "raised":
                standing = _Standing(entry.data["priority"])
                run = _Run(kind, promise, entry.at_ms, entry.at_ms)
            continue
        after = _CHANGES.get(entry.type, _nothing)(standing, entry)
        if after != standing:
            run.pass_until(max(run.at_ms, entry.at_ms), standing)
            standing = after
    return None if run is None or standing is None else _at(run, standing, now_ms)


def _at(run: _Run, standing: _Standing, now_ms: int) -> Clock | None:
    run.pass_until(max(run.at_ms, now_ms), standing)
    state = _state(run.kind, standing, run.promise)
    if run.target_ms is None and run.breached_ms is None:
        return None
    if state == "paused":
        run.paused[-1] = (run.paused[-1][0], None)
    return Clock(
        kind=run.kind,
        state=state,
        started_ms=run.started_ms,
        target_ms=run.target_ms,
        paused=tuple(run.paused),
        due_ms=run.due_ms,
        near_due_ms=run.near_due_ms,
        near_ms=run.near_ms,
        stopped_ms=run.stopped_ms,
        breached_ms=run.breached_ms,
        used_ms=run.used_ms,
    )


def _state(kind: str, standing: _Standing, promise: Promise) -> str:
    if kind == "respond" and standing.is_seen:
        return "stopped"
    if not standing.is_open:
        return "cancelled" if standing.is_cancelled else "stopped"
    waits = standing.waits_for is not None and promise.pauses_for(standing.waits_for)
    return "paused" if waits else "running"


def _nothing(standing: _Standing, _: Entry) -> _Standing:
    return standing


def _seen(standing: _Standing, _: Entry) -> _Standing:
    return replace(standing, is_seen=True)


def _held(standing: _Standing, entry: Entry) -> _Standing:
    return replace(standing, waits_for=entry.data.get("reason") or "")


def _resumed(standing: _Standing, _: Entry) -> _Standing:
    return replace(standing, waits_for=None)


def _resolved(standing: _Standing, _: Entry) -> _Standing:
    return replace(standing, is_open=False, waits_for=None)


def _cancelled(standing: _Standing, _: Entry) -> _Standing:
    return replace(standing, is_open=False, is_cancelled=True, waits_for=None)


def _reopened(standing: _Standing, _: Entry) -> _Standing:
    return replace(standing, is_open=True, is_cancelled=False)


def _reprioritised(standing: _Standing, entry: Entry) -> _Standing:
    """Take over the priority, which each kind of entry says in its own place."""
    said = entry.data.get("priority", entry.data.get("to"))
    priority = said["to"] if isinstance(said, Mapping) else said
    return replace(standing, priority=priority) if isinstance(priority, str) else standing


def _edited(standing: _Standing, entry: Entry) -> _Standing:
    return _reprioritised(standing, entry) if "priority" in entry.data else standing


_CHANGES: Mapping[str, Callable[[_Standing, Entry], _Standing]] = {
    "acknowledged": _seen,
    "assigned": _seen,
    "held": _held,
    "resumed": _resumed,
    "resolved": _resolved,
    "cancelled": _cancelled,
    "merged": _cancelled,
    "reopened": _reopened,
    "split": _reopened,
    "edited": _edited,
    "severity_changed": _reprioritised,
    "priority_changed": _reprioritised,
    "escalated": _reprioritised,
}
"""What an entry changes for the clocks; every other type says nothing to them."""

SAYS_SOMETHING = frozenset(_CHANGES) | {"raised"}
"""The types of entries that clocks are computed from."""
