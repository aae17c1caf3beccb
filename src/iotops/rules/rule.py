"""A rule as loaded: parsed, typed, positions kept, nothing evaluated yet."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from iotops.rules.active import ActiveTimes
from iotops.rules.language.nodes import Node, Sequence


class Severity(IntEnum):
    """How bad; comparable, higher is worse."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        """Return the name as YAML, API and database spell it."""
        return self.name.lower()


class Mode(StrEnum):
    """What a rule may do: everything, everything but incidents, nothing."""

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands: file, and line and column counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Expression:
    """One parsed expression; `position` is that of its first character."""

    text: str
    root: Node
    position: Position


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`${expr:format}` within a template."""

    expression: Expression
    format: str = ""


@dataclass(frozen=True, slots=True)
class Template:
    """Text with placeholders, in order."""

    text: str
    parts: tuple[str | Placeholder, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named number or duration; exactly one of `number` and `ms` is set."""

    number: float | int | None = None
    ms: int | None = None


Match = Mapping[str, tuple[str, ...]]
"""Label -> accepted values or globs; empty: every device."""


@dataclass(frozen=True, slots=True)
class Override:
    """Other parameter values for some devices."""

    match: Match
    params: Mapping[str, Parameter]


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry of a rule file.

    Attributes:
        when: severity -> condition, ascending; a rule with one expression has one entry, and so has one with a
            sequence: the root of its tree is the sequence of steps.
        tiered: `when` was written as a map.
        for_ms: severity -> hold, for every severity in `when`; 0 where none was given.
        until: recovery expression for all tiers (key None), or one per severity; empty: `when` known false.
        per: `("device",)`, label names, or `("fleet",)`.
        active: when it may raise, None for always.
        semantic_hash: changes exactly when state must not be kept over a reload.
        full_hash: changes whenever anything of the rule changes; the rule's version.
        source: the rule's own lines of YAML, for the incident page.
        tests: the raw `tests` entries; `iotops.rules.authoring.rehearse` reads them.
    """

    id: str
    when: Mapping[Severity, Expression]
    position: Position
    match: Match = field(default_factory=dict)
    per: tuple[str, ...] = ("device",)
    params: Mapping[str, Parameter] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    tiered: bool = False
    for_ms: Mapping[Severity, int] = field(default_factory=dict)
    until: Mapping[Severity | None, Expression] = field(default_factory=dict)
    keep_firing_for_ms: int = 0
    unless: Expression | None = None
    active: ActiveTimes | None = None
    summary: Template | None = None
    runbook: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.LIVE
    lateness_ms: int = 0
    stale_ms: int | None = None
    reopen_ms: int = 1_800_000
    settle_ms: int = 30_000
    merge_window_ms: int = 600_000
    semantic_hash: str = ""
    full_hash: str = ""
    source: str = ""
    tests: tuple[Any, ...] = ()

    @property
    def sequence(self) -> Sequence | None:
        """Return the steps of a rule that waits for one thing after another."""
        return next((each.root for each in self.when.values() if isinstance(each.root, Sequence)), None)


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """What the catalogue says about a metric. `kind` is gauge, counter, state or event."""

    name: str
    kind: str = "gauge"
    unit: str | None = None
    every_ms: int | None = None
    valid: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules loaded together, by id, with the catalogue that their files declare."""

    rules: Mapping[str, Rule]
    catalogue: Mapping[str, MetricSpec] = field(default_factory=dict)
