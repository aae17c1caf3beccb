"""A rule set made ready to judge: a plan per kind of device, an index from metrics to rules, causes before effects."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field

from iotops.rules.across import asks_across
from iotops.rules.built_in import with_built_in
from iotops.rules.compiled import DEVICE, CompiledRule
from iotops.rules.compiling import compile_rule
from iotops.rules.device import DeviceFacts
from iotops.rules.language import nodes
from iotops.rules.language.walk import walk
from iotops.rules.matching import matches, params_for
from iotops.rules.plan import Plan, plan_for
from iotops.rules.rule import Expression, Match, MetricSpec, Mode, Rule, RuleSet
from iotops.rules.surveys import group_labels


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled rule set.

    Attributes:
        group_rules: rules that look beyond their device; the group stage judges them.
        dependants: cause -> (rule, label) that ask for it on another device, or on a group.
        per: rule -> labels, of the rules whose instances are groups.
        likenesses: numbers of what devices may have in common (see `outlook.Outlook`).
        quarantined: rules that are not judged because they raised again and again; their alerts stay as they are.
    """

    rule_set: RuleSet
    rules: tuple[Rule, ...]
    group_rules: frozenset[str]
    dependants: Mapping[str, tuple[tuple[str, str | None], ...]]
    per: Mapping[str, tuple[str, ...]]
    _selectors: Mapping[str, "_Selector"]
    quarantined: set[str] = field(default_factory=set)
    likenesses: dict[Hashable, int] = field(default_factory=dict)
    _plans: dict[tuple[object, ...], Plan] = field(default_factory=dict)
    _compiled: dict[tuple[object, ...], CompiledRule] = field(default_factory=dict)

    def plan_of(self, facts: DeviceFacts) -> Plan:
        """Return the plan of a device. Retired devices match nothing."""
        if facts.retired:
            return plan_for(())
        signature = tuple(selector.sign(facts.labels.get(label)) for label, selector in self._selectors.items())
        plan = self._plans.get(signature)
        if plan is None:
            found = [self._compile(rank, rule, facts) for rank, rule in enumerate(self.rules)]
            plan = self._plans[signature] = plan_for(tuple(rule for rule in found if rule is not None))
        return plan

    def _compile(self, rank: int, rule: Rule, facts: DeviceFacts) -> CompiledRule | None:
        if not matches(rule.match, facts.labels):
            return None
        params = params_for(rule, facts.labels)
        key = (rule.id, tuple(sorted((name, value.number, value.ms) for name, value in params.items())))
        if key not in self._compiled:
            self._compiled[key] = compile_rule(rule, rank, params, self.rule_set.catalogue, self.group_rules)
        return self._compiled[key]

    @property
    def waits(self) -> bool:
        """Tell whether any rule waits for samples that come late."""
        return any(rule.lateness_ms for rule in self.rules)

    def spec(self, metric: str) -> MetricSpec | None:
        """Return what the catalogue says about a metric."""
        return self.rule_set.catalogue.get(metric)


def compile_rules(rule_set: RuleSet) -> Program:
    """Compile a rule set, with the rules that nobody has to write. Rules in mode `off` are left out."""
    rule_set = with_built_in(rule_set)
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
