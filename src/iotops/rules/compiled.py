"""One rule, compiled for devices with the same parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from iotops.rules.clocks import Crossing
from iotops.rules.closures import Compiler, Notes
from iotops.rules.hearing import begins_when_heard
from iotops.rules.language import nodes
from iotops.rules.language.nodes import Node
from iotops.rules.language.usage import metrics_in
from iotops.rules.language.walk import walk
from iotops.rules.logic import constant
from iotops.rules.machine import Machine, machine_of
from iotops.rules.moment import Closure, Moment
from iotops.rules.parts import Part, Print, parts_of, prints_of
from iotops.rules.rule import Expression, MetricSpec, Parameter, Rule
from iotops.rules.sequence import CompiledSequence, CompiledStep, standing
from iotops.rules.series import NEVER
from iotops.rules.surveys import Survey, Surveys
from iotops.rules.values import Truth
from iotops.rules.verdict import Verdict

DEVICE: Final = ("device",)  # what `per` says where it says nothing
SURVEYING: Final = frozenset({"devices", "share", "peers"})


@dataclass(eq=False, slots=True)
class CompiledRule:
    """One rule for devices with the same parameters.

    A rule that looks at other devices is judged by the group stage: `slots` are the parts that the device stage reads
    for it, `whens`, `until` and `unless` then read those from `Moment.values`, and `may_be` tells from the device
    alone whether a tier can be true at all.

    Attributes:
        rank: causes rank before the rules that ask for them.
        limits: until when each metric of the condition is fresh; of `until`, where the condition is a sequence.
        unless_limits: the same for the metrics that only `unless` reads: it ends when one of them goes stale.
        sequence: the steps, where the rule waits for one after another.
        notes, prints_notes: what the conditions read, and what the summary reads beside it.
        is_group: the rule's instances are groups.
        lateness_ms: how long it waits for samples that come late; a rule that looks at other devices cannot wait.
        asking: finds the questions again that were put to groups.
        surveys: what is asked of all devices of a group; `asked`: what their answers are made of.
        across: the parts that are answered by groups.
    """

    rule: Rule
    rank: int
    params: Mapping[str, Parameter]
    machine: Machine
    whens: tuple[Closure, ...]
    until: tuple[Closure, ...]
    unless: Closure | None
    limits: tuple[Callable[[Moment], int], ...]
    unless_limits: tuple[Callable[[Moment], int], ...]
    notes: Notes
    prints: tuple[str | Print, ...]
    prints_notes: Notes
    parts: Mapping[str, tuple[Part, ...]]
    in_group: bool = False
    slots: tuple[Part, ...] = ()
    may_be: tuple[Closure, ...] = ()
    sequence: CompiledSequence | None = None
    asking: Surveys | None = None
    surveys: tuple[Survey, ...] = ()
    across: tuple[Part, ...] = ()
    prints_across: bool = False
    is_group: bool = field(init=False)
    asked: tuple[Notes, ...] = field(init=False)
    events: frozenset[str] = field(init=False)
    id: str = field(init=False)
    lateness_ms: int = field(init=False)
    has_windows: bool = field(init=False)
    begins_when_heard: bool = field(init=False)
    crossings: tuple[Crossing, ...] = field(init=False)
    _asof: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.rule.id
        self.is_group = self.rule.per != DEVICE
        self.lateness_ms = 0 if self.in_group or self.is_group else self.rule.lateness_ms
        self.asked = tuple(question.notes for survey in self.surveys for question in survey.questions)
        self.events = frozenset().union(self.notes.events, *(notes.events for notes in self.asked))
        self.has_windows = any(notes.spans_ms or notes.counts for notes in (self.notes, self.prints_notes))
        self.begins_when_heard = any(begins_when_heard(when.root) for when in self.rule.when.values())
        self.crossings = tuple(self.notes.crossings)
        self._asof = tuple(self.notes.metrics) if self.has_windows and not self.notes.events else ()

    def freshness(self, moment: Moment) -> tuple[bool, int | None]:
        """Return whether a metric of the condition has lapsed, and until when the next of the others is fresh."""
        lapsed, wake_ms = False, None
        for limit in self.limits:
            limit_ms = limit(moment)
            if moment.edge_ms > limit_ms:
                lapsed = True
            elif wake_ms is None or limit_ms < wake_ms:
                wake_ms = limit_ms
        for limit in self.unless_limits:
            limit_ms = limit(moment)
            if moment.edge_ms <= limit_ms and (wake_ms is None or limit_ms < wake_ms):
                wake_ms = limit_ms
        if lapsed and self.sequence is not None and moment.edge_ms == moment.at_ms:
            wake_ms = moment.at_ms  # it may fire on nothing but its steps; that `until` is unknown is said right after
        return lapsed, wake_ms

    def tiers(self, moment: Moment) -> tuple[Truth, ...]:
        """Return whether each tier's condition is true at a moment."""
        return tuple([when(moment) for when in self.whens])

    def verdict(self, moment: Moment, tiers: tuple[Truth, ...], lapsed: bool, wake_ms: int | None) -> Verdict:
        """Judge the rule at a moment, at which its tiers were read."""
        return Verdict(
            tiers,
            tuple(until(moment) for until in self.until),
            self.unless is not None and self.unless(moment) is True,
            lapsed,
            wake_ms,
        )

    def asof_ms(self, moment_device: Any) -> int:
        """Return where the rule's windows end: at the newest sample of its metrics, of any reading for events."""
        if not self._asof:
            return int(moment_device.event_ms)
        series = moment_device.series
        newest = NEVER
        for metric in self._asof:
            if metric in series and series[metric].last_ms > newest:
                newest = series[metric].last_ms
        return newest


def compile_rule(
    rule: Rule,
    rank: int,
    params: Mapping[str, Parameter],
    catalogue: Mapping[str, MetricSpec],
    group_rules: frozenset[str],
) -> CompiledRule:
    """Compile a rule; `group_rules` are those that the group stage judges."""
    notes, prints_notes = Notes(), Notes()
    surveys = Surveys(rule, params, catalogue)
    local = Compiler(rule, params, catalogue, notes, surveys=surveys)
    in_group, is_group = rule.id in group_rules, rule.per != DEVICE
    cut = _Cut(local, group_rules) if in_group and not is_group else None
    compiler = Compiler(rule, params, catalogue, notes, cut.leaf, surveys=surveys) if cut else local
    view = Compiler(rule, params, catalogue, Notes(), surveys=surveys)
    sequence = _sequence(rule, cut, compiler, local, surveys)
    whens, across, parts = [], [], {}
    for severity in sorted(rule.when):
        expression = rule.when[severity]
        whens += [] if sequence else [_under(cut, compiler, expression, surveys)]
        surveys.text = expression.text
        found = parts_of(view, expression)
        parts[severity.word] = () if cut else found
        across += [part for part in found if _asks_group(part.node)] if cut else []
    judged = sorted(notes.metrics)
    until = tuple(_under(cut, compiler, expression, surveys) for expression in _untils(rule))
    if sequence:
        whens = [standing(rule.id, until[0])]
        judged = sorted(metric for each in rule.until.values() for metric in metrics_in(each.root, params))
    unless = _under(cut, compiler, rule.unless, surveys) if rule.unless else None
    silencing = metrics_in(rule.unless.root, params) if rule.unless and not is_group else frozenset()
    prints = prints_of(rule, params, catalogue, prints_notes, surveys)
    return CompiledRule(
        rule,
        rank,
        params,
        machine_of(rule),
        tuple(whens),
        until,
        unless,
        tuple(local.limit(metric) for metric in judged),
        tuple(local.limit(metric) for metric in sorted(silencing.difference(judged))),
        notes,
        prints,
        prints_notes,
        parts,
        in_group,
        tuple(cut.slots) if cut else (),
        _may_be(rule, params, catalogue, notes, group_rules) if cut else (),
        sequence,
        surveys,
        surveys.found,
        tuple(across),
        any(_asks_group(node) for expression in _printed(rule) for node in walk(expression.root)),
    )


def _printed(rule: Rule) -> list[Expression]:
    parts = rule.summary.parts if rule.summary else ()
    return [part.expression for part in parts if not isinstance(part, str)]


def _sequence(
    rule: Rule, cut: "_Cut | None", compiler: Compiler, local: Compiler, surveys: Surveys
) -> CompiledSequence | None:
    """Compile the steps of a sequence; None for a rule with a condition."""
    if rule.sequence is None:
        return None
    (expression,) = rule.when.values()
    steps = []
    for step in rule.sequence.steps:
        when = _under(cut, compiler, replace(expression, root=step.condition), surveys)
        metrics = sorted(metrics_in(step.condition, local.params))
        limits = tuple(local.limit(metric) for metric in metrics)
        passing = not local.notes.events.isdisjoint(metrics)
        steps.append(CompiledStep(when, step.negated, step.within_ms, limits, passing))
    return CompiledSequence(rule.semantic_hash, tuple(steps))


def asks_across(node: Node, group_rules: frozenset[str]) -> bool:
    """Tell whether a part of an expression asks for something beyond the device."""
    return any(_is_across(part, group_rules) for part in walk(node))


def _is_across(node: Node, group_rules: frozenset[str]) -> bool:
    if _asks_group(node):
        return True
    if not isinstance(node, nodes.Call) or node.name != "firing":
        return False
    cause = node.args[0]
    return len(node.args) > 1 or (isinstance(cause, nodes.Path) and cause.name in group_rules)


def _asks_group(node: Node) -> bool:
    return isinstance(node, nodes.Call) and node.name in SURVEYING


class _Cut:
    """Cuts expressions into parts that the device can answer (slots) and the rest, which asks for other devices."""

    def __init__(self, local: Compiler, group_rules: frozenset[str]) -> None:
        self.slots: list[Part] = []
        self.expression: Expression | None = None
        self._local = local
        self._group_rules = group_rules

    def leaf(self, node: Node) -> Closure | None:
        """Return how the group stage reads a part that the device stage has read; None for the rest."""
        if isinstance(node, nodes.Literal) or asks_across(node, self._group_rules):
            return None
        assert self.expression is not None  # noqa: S101  set before every compilation
        place = len(self.slots)
        self.slots.append(Part(self.expression, node, self._local.closure(node)))
        return lambda moment: moment.values[place]


def _under(cut: _Cut | None, compiler: Compiler, expression: Expression, surveys: Surveys) -> Closure:
    surveys.text = expression.text
    if cut is not None:
        cut.expression = expression
    return compiler.closure(expression.root)


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


def _may_be(
    rule: Rule,
    params: Mapping[str, Parameter],
    catalogue: Mapping[str, MetricSpec],
    notes: Notes,
    group_rules: frozenset[str],
) -> tuple[Closure, ...]:
    """Compile the conditions with everything beyond the device unknown."""

    def leaf(node: Node) -> Closure | None:
        return constant(None) if _is_across(node, group_rules) else None

    if rule.sequence is not None:
        return (constant(None),)
    silent = Notes(events=notes.events)
    compiler = Compiler(rule, params, catalogue, silent, leaf)
    return tuple(compiler.closure(rule.when[severity].root) for severity in sorted(rule.when))
