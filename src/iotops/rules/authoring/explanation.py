"""What an explanation says: conditions with their values, clocks, what stands in the way, and what would come."""

from dataclasses import dataclass
from typing import Any

from iotops.rules.rule import Position
from iotops.rules.values import Truth

INACTIVE = "inactive"  # beside the states of an alert: the rule watches the instance, and there is no episode
NOT_WATCHED = "not watched"  # the rule is not about the instance, or is off


@dataclass(frozen=True, slots=True)
class Line:
    """A part of an expression with its value.

    Attributes:
        depth: 0 for the whole expression, one more for each level below.
        value: number, text, truth, or `{"from": ..., "to": ...}`; None is missing or unknown.
        shown: the value for people; of a comparison both sides, `-14.2 > -15`.
        note: what else is to be said: how far a comparison is from turning, which sample a metric has.
        leaf: a value that the comparison above already shows.
    """

    depth: int
    text: str
    value: Any
    shown: str
    note: str = ""
    leaf: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One condition of the rule: a tier (`warning`, ...), `until` (of a tier: `until warning`), or `unless`."""

    role: str
    text: str
    truth: Truth
    position: Position
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that runs: the `for` of a tier, or `keep_firing_for`. Instants in ms of event time.

    Attributes:
        role: the tier, or `keep_firing_for`.
        samples: how many times of samples it has seen so far.
        reset: metric (of a group `metric of site/device`), time and value of the last sample before it began.
    """

    role: str
    since_ms: int
    length_ms: int
    samples: int = 0
    reset: tuple[str, int, Any] | None = None

    @property
    def due_ms(self) -> int:
        """Return when it has run off."""
        return self.since_ms + self.length_ms


@dataclass(frozen=True, slots=True)
class Coming:
    """A change of the alert that would come, in event time, under a supposition.

    Attributes:
        supposed: `values stay` (every device goes on sending what it sends now), or `silence` (nothing comes any more).
        change: as in `Change`.
    """

    supposed: str
    at_ms: int
    change: str
    severity: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule fires on an instance at an instant, or why it does not.

    Attributes:
        state: of the alert, else `INACTIVE` or `NOT_WATCHED`.
        blocks: short stable word and sentence of each thing that keeps the rule from firing, or from resolving.
        coming: what would happen next, in order of time within each supposition.
        lateness_ms: how far behind `at_ms` the rule is judged, for it waits for samples that come late.
        notes: what else the reader should know, such as how far back the telemetry reaches.
    """

    rule: str
    instance: str
    at_ms: int
    state: str
    severity: str = ""
    data_known: bool = True
    fired_ms: int | None = None
    position: Position | None = None
    branches: tuple[Branch, ...] = ()
    clocks: tuple[Clock, ...] = ()
    blocks: tuple[tuple[str, str], ...] = ()
    coming: tuple[Coming, ...] = ()
    notes: tuple[str, ...] = ()
    lateness_ms: int = 0

    @property
    def judged_ms(self) -> int:
        """Return as of when the rule is judged."""
        return self.at_ms - self.lateness_ms
