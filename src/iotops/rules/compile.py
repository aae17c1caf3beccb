"""A rule set made ready to judge: a plan per kind of device, an index from metrics to rules, causes before effects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from iotops.rules.compiled import DEVICE, CompiledRule, asks_across, compile_rule
from iotops.rules.device import DeviceFacts
from iotops.rules.language import nodes
from iotops.rules.language.walk import walk
from iotops.rules.matching import matches, params_for
from iotops.rules.rule import Expression, Match, MetricSpec, Mode, Rule, RuleSet
from iotops.rules.surveys import group_labels

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
        kept: metric -> how much of it is kept; metrics that no rule reads are absent.
        age_rules: those that `age()` can turn, although no sample comes.
        event_rules: those that read events: every reading says that there was none.
        dependants: cause -> rules of the same device that ask for it.
        uses_every: the device's interval matters, so all its metrics are followed.
        looks_beyond: some of the rules are the group stage's.
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


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled rule set.

    Attributes:
        group_rules: rules that look beyond their device; the group stage judges them.
        dependants: cause -> (rule, label) that ask for it on another device, or on a group.
        per: rule -> labels, of the rules whose instances are groups.
        quarantined: rules that are not judged because they raised again and again; their alerts stay as they are.
    """

    rule_set: RuleSet
    rules: tuple[Rule, ...]
    group_rules: frozenset[str]
    dependants: Mapping[str, tuple[tuple[str, str | None], ...]]
    per: Mapping[str, tuple[str, ...]]
    _selectors: Mapping[str, "_Selector"]
    quarantined: set[str] = field(default_factory=set)
    _plans: dict[tuple[object, ...], Plan] = field(default_factory=dict)
    _compiled: dict[tuple[object, ...], CompiledRule] = field(default_factory=dict)

    def plan_of(self, facts: DeviceFacts) -> Plan:
        """Return the plan of a device. Retired devices match nothing."""
        if facts.retired:
            return _plan(())
        signature = tuple(selector.sign(facts.labels.get(label)) for label, selector in self._selectors.items())
        plan = self._plans.get(signature)
        if plan is None:
            found = [self._compile(rank, rule, facts) for rank, rule in enumerate(self.rules)]
            plan = self._plans[signature] = _plan(tuple(rule for rule in found if rule is not None))
        return plan

    def _compile(self, rank: int, rule: Rule, facts: DeviceFacts) -> CompiledRule | None:
        if not matches(rule.match, facts.labels):
            return None
        params = params_for(rule, facts.labels)
        key = (rule.id, tuple(sorted((name, value.number, value.ms) for name, value in params.items())))
        if key not in self._compiled:
            self._compiled[key] = compile_rule(rule, rank, params, self.rule_set.catalogue, self.group_rules)
        return self._compiled[key]

    def spec(self, metric: str) -> MetricSpec | None:
        """Return what the catalogue says about a metric."""
        return self.rule_set.catalogue.get(metric)


def compile_rules(rule_set: RuleSet) -> Program:
    """Compile a rule set. Rules in mode `off` are left out."""
    active = {name: rule for name, rule in rule_set.rules.items() if rule.mode is not Mode.OFF}
    ordered = _causes_first(active)
    group_rules = _beyond_the_device(ordered)
    across: dict[str, list[tuple[str, str | None]]] = {}
    for rule in ordered:
        for cause, label in _asked(rule):
            if rule.id in group_rules and (label is not None or cause in group_rules):
                across.setdefault(cause, []).append((rule.id, label))
    return Program(
        rule_set,
        ordered,
        group_rules,
        {cause: tuple(found) for cause, found in across.items()},
        {rule.id: group_labels(rule.per) for rule in ordered if rule.per != DEVICE},
        _selectors(ordered),
    )


def in_order(rules: Iterable[CompiledRule]) -> tuple[CompiledRule, ...]:
    """Return each rule once, causes before the rules that ask for them."""
    return tuple(sorted({rule.id: rule for rule in rules}.values(), key=_rank))


def _rank(rule: CompiledRule) -> int:
    return rule.rank


@dataclass(slots=True)
class _Selector:
    """What rules can tell apart about one label; devices that no rule tells apart share a plan."""

    literals: set[str] = field(default_factory=set)
    globs: set[str] = field(default_factory=set)

    def add(self, accepted: Iterable[str]) -> None:
        for value in accepted:
            (self.globs if "*" in value or "?" in value else self.literals).add(value)

    def sign(self, value: str | None) -> tuple[object, ...]:
        if value is None:
            return ()
        fits = tuple(glob for glob in sorted(self.globs) if matches({"": (glob,)}, {"": value}))
        return (value if value in self.literals else None, fits)


def _selectors(rules: Iterable[Rule]) -> Mapping[str, _Selector]:
    found: dict[str, _Selector] = {}
    for rule in rules:
        matchers: list[Match] = [rule.match, *(override.match for override in rule.overrides)]
        for match in matchers:
            for label, accepted in match.items():
                found.setdefault(label, _Selector()).add(accepted)
    return found


def _plan(rules: tuple[CompiledRule, ...]) -> Plan:
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
        {rule.id: rule for rule in rules},
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
    )


def _asked(rule: Rule) -> set[tuple[str, str | None]]:
    """Return the (rule, label) of every `firing()` in a rule's conditions."""
    found: set[tuple[str, str | None]] = set()
    for expression in _conditions(rule):
        for node in walk(expression.root):
            if isinstance(node, nodes.Call) and node.name == "firing":
                names = [argument.name for argument in node.args if isinstance(argument, nodes.Path)]
                found.add((names[0], names[1].removeprefix("device.") if len(names) > 1 else None))
    return found


def _conditions(rule: Rule) -> list[Expression]:
    return [*rule.when.values(), *rule.until.values(), *([rule.unless] if rule.unless else [])]


def _said(rule: Rule) -> list[Expression]:
    """Return the conditions, and what the summary shows."""
    parts = rule.summary.parts if rule.summary else ()
    return [*_conditions(rule), *(part.expression for part in parts if not isinstance(part, str))]


def _causes_first(rules: Mapping[str, Rule]) -> tuple[Rule, ...]:
    """Return the rules so that each stands behind those it asks for; a cycle is cut where it is met."""
    ordered: dict[str, Rule] = {}
    visiting: set[str] = set()

    def visit(rule: Rule) -> None:
        if rule.id in ordered or rule.id in visiting:
            return
        visiting.add(rule.id)
        for cause, _ in sorted(_asked(rule), key=str):
            if cause in rules:
                visit(rules[cause])
        ordered[rule.id] = rule

    for rule in rules.values():
        visit(rule)
    return tuple(ordered.values())


def _beyond_the_device(ordered: Iterable[Rule]) -> frozenset[str]:
    """Return the rules that ask for other devices, or for a rule that does."""
    found: set[str] = set()
    for rule in ordered:
        if rule.per != DEVICE or any(asks_across(expression.root, frozenset(found)) for expression in _said(rule)):
            found.add(rule.id)
    return frozenset(found)
