"""What of all rules concerns one kind of device: who reads what, and what is kept for whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from iotops.rules.compiled import CompiledRule
from iotops.rules.rule import MetricSpec

EVIDENCE_SAMPLES: Final = 10  # kept of every metric that a rule reads, so that an alert can show what it saw
REMEMBERED: Final = 1_000  # devices send few metrics and combinations; hostile ones shall not fill the memory


@dataclass(slots=True)
class Kept:
    """How much of a metric's past is kept: what windows can see, and at least `count` samples.

    `seasons` (milliseconds, 0: none): for which of them it is learned what is usual.
    """

    span_ms: int = 0
    count: int = EVIDENCE_SAMPLES
    seasons: set[int] = field(default_factory=set)


class Taken(NamedTuple):
    """How values of a metric are taken: what the catalogue says about it, and what follows from that.

    `seasons`: for which it is learned what is usual.
    """

    spec: MetricSpec | None
    event: bool
    declared: bool
    seasons: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """The rules of all devices that match the same rules with the same parameters, and what of them reads what.

    Attributes:
        rules: those that are judged at once.
        by_id: all of them.
        kept: metric -> how much of it is kept; metrics that no rule reads are absent.
        age_rules: those that `age()` can turn, although no sample comes.
        event_rules: those that read events: every reading says that there was none.
        dependants: cause -> rules of the same device that ask for it.
        uses_every: the device's interval matters, so all its metrics are followed.
        looks_beyond: some of the rules are the group stage's.
        delayed: lateness (ms) -> plan of the rules that wait so long for samples that come late.
        askers: cause -> rules of the same device that ask for it and have another lateness than it.
        taken: how each metric that came so far is taken, None where no rule follows it (see `intake.take`).
        outlooks: what readings with certain metrics may turn (see `outlook.outlook_of`).
    """

    rules: tuple[CompiledRule, ...]
    by_id: Mapping[str, CompiledRule]
    by_metric: Mapping[str, tuple[CompiledRule, ...]]
    kept: Mapping[str, Kept]
    age_rules: tuple[CompiledRule, ...]
    online_rules: tuple[CompiledRule, ...]
    event_rules: tuple[CompiledRule, ...]
    dependants: Mapping[str, tuple[CompiledRule, ...]]
    uses_every: bool
    looks_beyond: bool
    delayed: Mapping[int, "Plan"] = field(default_factory=dict)
    askers: Mapping[str, tuple[CompiledRule, ...]] = field(default_factory=dict)
    taken: dict[str, Taken | None] = field(default_factory=dict)
    outlooks: dict[tuple[str, ...], Any] = field(default_factory=dict)
    _touched: dict[tuple[str, ...], tuple[CompiledRule, ...]] = field(default_factory=dict)

    def touched(self, metrics: tuple[str, ...]) -> tuple[CompiledRule, ...]:
        """Return the rules that read any of these metrics, causes first."""
        found = self._touched.get(metrics)
        if found is None:
            found = in_order(rule for metric in metrics for rule in self.by_metric.get(metric, ()))
            if len(self._touched) < REMEMBERED:
                self._touched[metrics] = found
        return found


def plan_for(rules: tuple[CompiledRule, ...]) -> Plan:
    """Return the plan of devices that match these rules: what is judged at once, and plans of what waits."""
    delayed = {
        lateness_ms: _plan(tuple(rule for rule in rules if rule.lateness_ms == lateness_ms), {}, {})
        for lateness_ms in sorted({rule.lateness_ms for rule in rules} - {0})
    }
    at_once = tuple(rule for rule in rules if not rule.lateness_ms)
    return _plan(at_once, {rule.id: rule for rule in rules}, delayed) if delayed else _plan(at_once, {}, {})


def _plan(rules: tuple[CompiledRule, ...], by_id: Mapping[str, CompiledRule], delayed: Mapping[int, Plan]) -> Plan:
    by_metric: dict[str, list[CompiledRule]] = {}
    dependants: dict[str, list[CompiledRule]] = {}
    kept: dict[str, Kept] = {}
    for rule in rules:
        for metric in {*rule.notes.metrics, *(metric for notes in rule.asked for metric in notes.metrics)}:
            by_metric.setdefault(metric, []).append(rule)
        for cause, label in {cause for notes in (rule.notes, *rule.asked) for cause in notes.causes}:
            if label is None:
                dependants.setdefault(cause, []).append(rule)
        for notes in (rule.notes, rule.prints_notes, *rule.asked):
            for metric in {*notes.metrics, *notes.spans_ms, *notes.counts}:
                keep = kept.setdefault(metric, Kept())
                keep.span_ms = max(keep.span_ms, notes.spans_ms.get(metric, 0))
                keep.count = max(keep.count, notes.counts.get(metric, 0) + 1)
                keep.seasons |= notes.seasons.get(metric, set())
    return Plan(
        rules,
        by_id or {rule.id: rule for rule in rules},
        {metric: tuple(found) for metric, found in by_metric.items()},
        kept,
        tuple(rule for rule in rules if any(notes.reads_age for notes in (rule.notes, *rule.asked))),
        tuple(rule for rule in rules if any(notes.reads_online for notes in (rule.notes, *rule.asked))),
        tuple(rule for rule in rules if any(notes.events for notes in (rule.notes, *rule.asked))),
        {cause: in_order(found) for cause, found in dependants.items()},
        any(
            notes.reads_every or notes.events
            for rule in rules
            for notes in (rule.notes, rule.prints_notes, *rule.asked)
        ),
        any(rule.in_group for rule in rules),
        delayed,
        _askers(by_id),
    )


def _askers(by_id: Mapping[str, CompiledRule]) -> Mapping[str, tuple[CompiledRule, ...]]:
    """Return cause -> rules of the same device that ask for it and wait longer, or less long, for late samples."""
    found: dict[str, list[CompiledRule]] = {}
    for rule in by_id.values():
        for cause, label in {cause for notes in (rule.notes, *rule.asked) for cause in notes.causes}:
            if label is None and cause in by_id and by_id[cause].lateness_ms != rule.lateness_ms:
                found.setdefault(cause, []).append(rule)
    return {cause: in_order(rules) for cause, rules in found.items()}


def in_order(rules: Iterable[CompiledRule]) -> tuple[CompiledRule, ...]:
    """Return each rule once, causes before the rules that ask for them."""
    return tuple(sorted({rule.id: rule for rule in rules}.values(), key=rank))


def rank(rule: CompiledRule) -> int:
    """Return where a rule stands among all: causes before the rules that ask for them."""
    return rule.rank
