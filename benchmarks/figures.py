"""What a benchmark hands back, and how a run is printed."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Scale:
    """How much work each benchmark gets.

    Attributes:
        readings: for engine and decoding.
        fleet: devices whose day is stored.
        messages: through broker, ingest and database.
        steady_s: how long messages are published at a steady rate.
        historic, open_alerts: incidents that are over, and alerts that fire, in a database that the API is asked over.
        asked: how often each question is asked of it.
        probes: single messages whose way is timed.
        rounds: messages of each of 10 000 devices whose memory is looked at.
        most_devices: what 100 devices are compared with.
    """

    readings: int
    fleet: int
    messages: int
    steady_s: int
    historic: int = 0
    open_alerts: int = 0
    asked: int = 0
    probes: int = 0
    rounds: int = 0
    most_devices: int = 0


FULL = Scale(
    readings=300_000,
    fleet=5_000,
    messages=100_000,
    steady_s=60,
    historic=1_000_000,
    open_alerts=100_000,
    asked=40,
    probes=1_000,
    rounds=60,
    most_devices=100_000,
)
QUICK = Scale(
    readings=60_000,
    fleet=500,
    messages=20_000,
    steady_s=5,
    historic=100_000,
    open_alerts=10_000,
    asked=40,
    probes=200,
    rounds=4,
    most_devices=20_000,
)


@dataclass(frozen=True)
class Result:
    """One line of the table.

    Attributes:
        durability: what is certain when a message counts as done.
        figures: name with unit -> value; the first is the one that matters.
        processes: name -> its CPU seconds during the measurement, and its largest resident memory (MiB).
        at_least, at_most: names of figures -> what is to be reached.
        faults: why the run fails: a message that was lost or stored twice, or a target that is promised and missed.
        spreads: what was measured many times -> its percentiles.
    """

    name: str
    workload: str
    durability: str
    figures: Mapping[str, float]
    processes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    load_average: tuple[float, ...] = ()
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def missed(self) -> Iterator[str]:
        """Yield each figure that does not reach its target, as people read it."""
        for name in (*self.at_least, *self.at_most):
            if self.target(name).endswith("NO"):
                yield f"{self.name}: {name}: {self.figures[name]:,.2f}{self.target(name)}"

    def target(self, figure: str) -> str:
        """Return what people read of a figure's target, and whether it is reached; empty where there is none."""
        value = self.figures[figure]
        if figure in self.at_least:
            return f"   at least {self.at_least[figure]:,g}: {'yes' if value >= self.at_least[figure] else 'NO'}"
        if figure in self.at_most:
            return f"   at most {self.at_most[figure]:,g}: {'yes' if value <= self.at_most[figure] else 'NO'}"
        return ""


Benchmark = Callable[[Path, Scale], Iterator[Result]]
"""Measures in an empty directory on a real disk."""


def lines(result: Result, before: Mapping[str, float]) -> Iterable[str]:
    """Yield what people read of a result; `before`: figures of the committed run on such a machine."""
    load = " ".join(f"{value:.1f}" for value in result.load_average)
    yield f"{result.name}: {result.workload}"
    yield f"    durability: {result.durability}; load average {load}"
    for name, value in result.figures.items():
        known = before.get(name)
        compared = f"   {value / known:6.2f} x the committed result" if known else ""
        yield f"    {name:44}{value:14,.2f}{compared}{result.target(name)}"
    for name, spread in result.spreads.items():
        yield f"    {name:44}" + "".join(f"{part:>7}{value:9,.1f}" for part, value in spread.items())
    for name, used in result.processes.items():
        yield f"    {name:44}{used['cpu_s']:10.2f} s CPU{used['rss_mib']:8.0f} MiB"
    for fault in result.faults:
        yield f"    FAILED: {fault}"
