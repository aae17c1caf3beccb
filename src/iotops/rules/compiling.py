"""From a rule as it is written to one that can be judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from iotops.rules.across import Cut, asks_group, may_be
from iotops.rules.closures import Compiler, Notes
from iotops.rules.compiled import DEVICE, CompiledRule
from iotops.rules.language import nodes
from iotops.rules.language.reach import SURVEYS
from iotops.rules.language.usage import metrics_in
from iotops.rules.language.walk import walk
from iotops.rules.machine import machine_of
from iotops.rules.moment import Closure
from iotops.rules.parts import Part, parts_of, prints_of
from iotops.rules.rule import Expression, MetricSpec, Parameter, Rule
from iotops.rules.sequence import CompiledSequence, CompiledStep, standing
from iotops.rules.surveys import Surveys


def compile_rule(
    rule: Rule,
    rank: int,
    params: Mapping[str, Parameter],
    catalogue: Mapping[str, MetricSpec],
    group_rules: frozenset[str],
) -> CompiledRule:
    """Compile a rule; `group_rules` are those that the group stage judges."""
    compiling = _Compiling(rule, params, catalogue, group_rules)
    local, surveys = compiling.local, compiling.surveys
    sequence = compiling.sequence()
    tiers = compiling.tiers()
    judged = sorted(compiling.notes.metrics)
    until = tuple(compiling.closure(expression) for expression in _untils(rule))
    whens = tiers.whens
    if sequence:
        whens = (standing(rule.id, until[0]),)
        judged = sorted(
            metric for each in rule.until.values() for metric in metrics_in(each.root, params, outside=SURVEYS)
        )
    unless = compiling.closure(rule.unless) if rule.unless else None
    silencing = metrics_in(rule.unless.root, params) if rule.unless and rule.per == DEVICE else frozenset()
    prints_notes = Notes()
    prints = prints_of(rule, params, catalogue, prints_notes, surveys)
    return CompiledRule(
        rule,
        rank,
        params,
        machine_of(rule),
        whens,
        until,
        unless,
        tuple(local.limit(metric) for metric in judged),
        tuple(local.limit(metric) for metric in sorted(silencing.difference(judged))),
        compiling.notes,
        prints,
        prints_notes,
        tiers.parts,
        compiling.in_group,
        compiling.slots,
        compiling.may_be(),
        sequence,
        surveys,
        surveys.found,
        tiers.across,
        any(asks_group(node) for expression in _printed(rule) for node in walk(expression.root)),
        tuple(asked for expression in _untils(rule) for asked in surveys.asked_in(expression.root)),
    )


@dataclass(frozen=True, slots=True)
class _Tiers:
    """The conditions of a rule's tiers; severity -> parts of each; the parts that groups answer."""

    whens: tuple[Closure, ...] = ()
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)
    across: tuple[Part, ...] = ()


class _Compiling:
    """One rule while it is compiled: what its expressions read is noted as they are."""

    def __init__(
        self,
        rule: Rule,
        params: Mapping[str, Parameter],
        catalogue: Mapping[str, MetricSpec],
        group_rules: frozenset[str],
    ) -> None:
        self._rule, self._params, self._catalogue, self._group_rules = rule, params, catalogue, group_rules
        self.notes = Notes()
        self.surveys = Surveys(rule, params, catalogue)
        self.local = Compiler(rule, params, catalogue, self.notes, surveys=self.surveys)
        self.in_group = rule.id in group_rules
        self._cut = Cut(self.local, group_rules) if self.in_group and rule.per == DEVICE else None
        self._compiler = self.local
        if self._cut is not None:
            self._compiler = Compiler(rule, params, catalogue, self.notes, self._cut.leaf, surveys=self.surveys)

    @property
    def slots(self) -> tuple[Part, ...]:
        """Return the parts that the device stage reads for the group stage, once all is compiled."""
        return tuple(self._cut.slots) if self._cut is not None else ()

    def closure(self, expression: Expression) -> Closure:
        """Compile an expression, cut where the group stage judges it."""
        self.surveys.text = expression.text
        if self._cut is not None:
            self._cut.expression = expression
        return self._compiler.closure(expression.root)

    def tiers(self) -> _Tiers:
        """Compile the conditions, each with its parts; those of a sequence are its steps, compiled apart."""
        rule = self._rule
        view = Compiler(rule, self._params, self._catalogue, Notes(), surveys=self.surveys)
        whens, across, parts = [], [], {}
        for severity in sorted(rule.when):
            expression = rule.when[severity]
            whens += [] if rule.sequence else [self.closure(expression)]
            self.surveys.text = expression.text
            found = parts_of(view, expression)
            parts[severity.word] = () if self._cut else found
            across += [part for part in found if asks_group(part.node)] if self._cut else []
        return _Tiers(tuple(whens), parts, tuple(across))

    def sequence(self) -> CompiledSequence | None:
        """Compile the steps of a sequence; None for a rule with a condition."""
        rule, local = self._rule, self.local
        if rule.sequence is None:
            return None
        (expression,) = rule.when.values()
        steps = []
        for step in rule.sequence.steps:
            when = self.closure(replace(expression, root=step.condition))
            metrics = sorted(metrics_in(step.condition, local.params, outside=SURVEYS))
            limits = tuple(local.limit(metric) for metric in metrics)
            asked = self.surveys.asked_in(step.condition)
            passing = not local.notes.events.isdisjoint(metrics) or self.surveys.happens_in(asked)
            steps.append(CompiledStep(when, step.negated, step.within_ms, limits, asked, passing))
        return CompiledSequence(rule.semantic_hash, tuple(steps))

    def may_be(self) -> tuple[Closure, ...]:
        """Compile the conditions with everything beyond the device unknown, of a rule that is cut."""
        if self._cut is None:
            return ()
        return may_be(self._rule, self._params, self._catalogue, self.notes, self._group_rules)


def _printed(rule: Rule) -> list[Expression]:
    parts = rule.summary.parts if rule.summary else ()
    return [part.expression for part in parts if not isinstance(part, str)]


def _untils(rule: Rule) -> list[Expression]:
    """Return the recovery expressions: none, one for all tiers, or one per tier (where absent, set apart)."""
    if not rule.until:
        return []
    if None in rule.until:
        return [rule.until[None]]
    always = nodes.Literal(0, 0, value=True)
    return [
        rule.until.get(severity) or Expression("true", always, rule.when[severity].position)
        for severity in sorted(rule.when)
    ]
