"""What a backtest is asked, and what it answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from iotops.backtest.episodes import Episode, time_order
from iotops.rules.device import DeviceFacts
from iotops.rules.matching import matches
from iotops.rules.rule import RuleSet


@dataclass(frozen=True, slots=True)
class Question:
    """Which rule sets to judge over what.

    Attributes:
        database_url: where the telemetry is.
        since_ms, until_ms: the range, in receive time; with `by_event` in event time. The end is excluded.
        rules: the rule sets, judged side by side; None: the rules that were in force, as the log tells.
        by_event: as if every reading had arrived at its event time; else as they arrived.
        sites, devices: globs of which one must fit; empty: all.
    """

    database_url: str
    since_ms: int
    until_ms: int
    rules: tuple[RuleSet | None, ...]
    by_event: bool = False
    sites: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()

    def wants(self, facts: DeviceFacts) -> bool:
        """Tell whether a device is asked for."""
        labels = {"site": facts.key.site, "device": facts.key.device}
        asked = {"site": self.sites, "device": self.devices}
        return matches({label: globs for label, globs in asked.items() if globs}, labels)


@dataclass(slots=True)
class Answer:
    """What was found.

    Attributes:
        episodes: of each rule set, in the order of the question.
        readings: judged, those before the range that filled windows included.
        guessed: of them, readings of which the log does not say how they were judged.
        exact_from_ms: receive time from which on it says so; None: from nowhere.
        devices: that sent something, or were known.
        faults: of each rule set: rule -> how often it raised.
        took_s: wall-clock seconds.
    """

    episodes: list[list[Episode]]
    readings: int = 0
    guessed: int = 0
    exact_from_ms: int | None = None
    devices: int = 0
    faults: list[Counter[str]] = field(default_factory=list)
    took_s: float = 0.0

    def add(self, other: "Answer") -> None:
        """Take what was found for other devices."""
        both = zip(self.episodes, other.episodes, strict=True)
        self.episodes = [sorted(one + more, key=time_order) for one, more in both]
        self.readings += other.readings
        self.guessed += other.guessed
        self.devices += other.devices
        starts = [each for each in (self.exact_from_ms, other.exact_from_ms) if each is not None]
        self.exact_from_ms = max(starts, default=None)
        self.faults = [one + more for one, more in zip(self.faults, other.faults, strict=True)]

    @property
    def rates(self) -> Mapping[str, float]:
        """Return how fast it went."""
        return {"readings_per_second": self.readings / self.took_s if self.took_s else 0.0}
