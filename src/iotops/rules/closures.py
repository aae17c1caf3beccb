"""From syntax trees to closures: no eval, no code generation, parameters folded in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from iotops.rules.clocks import Crossing
from iotops.rules.functions import FUNCTIONS
from iotops.rules.language import nodes
from iotops.rules.language.names import Role, label_of, role_of
from iotops.rules.language.nodes import Node
from iotops.rules.language.walk import shape, walk
from iotops.rules.logic import comparing, comparing_with, conjunction, constant, disjunction
from iotops.rules.moment import Closure, Moment
from iotops.rules.readers import (
    PRESENCE,
    event_reader,
    label_reader,
    limit_reader,
    metric_reader,
    quantity,
    window_reader,
)
from iotops.rules.rule import MetricSpec, Parameter, Rule
from iotops.rules.values import NUMBERS, Truth, calculate, negated
from iotops.rules.windows import Frame

if TYPE_CHECKING:
    from iotops.rules.surveys import Surveys


@dataclass(slots=True)
class Notes:
    """What a rule turned out to read while it was compiled."""

    metrics: set[str] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    spans_ms: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    seasons: dict[str, set[int]] = field(default_factory=dict)
    causes: set[tuple[str, str | None]] = field(default_factory=set)
    crossings: list[Crossing] = field(default_factory=list)
    reads_age: bool = False
    reads_online: bool = False
    reads_every: bool = False

    @property
    def reads_devices(self) -> bool:
        """Tell whether something that a device says, or its silence, may turn what was compiled."""
        return bool(self.metrics or self.events) or self.reads_age or self.reads_online


class Compiler:
    """Compiles the expressions of one rule, for devices with the same parameters.

    `leaf` may answer for a node before the compiler does: the group stage reads parts that the device stage has
    judged already. `surveys` collects what is asked of all devices of a group.
    """

    def __init__(
        self,
        rule: Rule,
        params: Mapping[str, Parameter],
        catalogue: Mapping[str, MetricSpec],
        notes: Notes,
        leaf: Callable[[Node], Closure | None] = lambda _: None,
        *,
        surveys: "Surveys | None" = None,
    ) -> None:
        self.notes = notes
        self.surveys = surveys
        self._rule = rule
        self.params = params
        self._catalogue = catalogue
        self._leaf = leaf
        self._within: nodes.Window | None = None

    def closure(self, node: Node) -> Closure:
        """Compile an expression or a part of one."""
        return self._leaf(node) or _BUILD[type(node)](self, node)

    def metric(self, path: Node) -> str:
        """Note that a metric is read; return its name."""
        assert isinstance(path, nodes.Path)  # noqa: S101  the type checker of the language saw to it
        if role_of(path, self.params) is Role.ONLINE:
            self.notes.reads_online = True
            return PRESENCE
        self.notes.metrics.add(path.name)
        if self._is_event(path):
            self.notes.events.add(path.name)
        return path.name

    def limit(self, metric: str) -> Callable[[Moment], int]:
        """Return how to read until when (included) a metric stays fresh."""
        return limit_reader(metric, self._rule.stale_ms, event=metric in self.notes.events)

    def frame(self, argument: Node) -> Callable[[Moment], Frame | None]:
        """Return how to reach the window of a window function's argument; None at run time while it is stale."""
        window = next(node for node in walk(argument) if isinstance(node, nodes.Window))
        name = self.metric(window.path)
        if window.span_ms is not None:
            self.notes.spans_ms[name] = max(self.notes.spans_ms.get(name, 0), window.span_ms)
        if window.count is not None:
            self.notes.counts[name] = max(self.notes.counts.get(name, 0), window.count)
        outer, self._within = self._within, window
        element = None if argument is window else self.closure(argument)
        self._within = outer
        fixed = all(node is window.path or self._is_fixed(node) for node in walk(argument))
        truths = isinstance(argument, nodes.Comparison | nodes.Logic | nodes.Not)
        key = (window.span_ms, window.count, shape(argument), tuple(sorted(self.params.items(), key=_by_name)))
        if element is None:
            key = (window.span_ms, window.count, (), ())
        return window_reader(name, window, element, self.limit(name), key if fixed else None, truths=truths)

    def _is_fixed(self, node: Node) -> bool:
        """Tell whether a part of a window's argument is the same at all times, so that the window can be kept."""
        return not isinstance(node, nodes.Path) or role_of(node, self.params) is Role.PARAMETER

    def _is_event(self, path: nodes.Path) -> bool:
        spec = self._catalogue.get(path.name)
        if spec is not None:
            return spec.kind == "event"
        return path.name == "event" and not path.quoted

    def path(self, node: nodes.Path) -> Closure:
        """Compile a name."""
        role = role_of(node, self.params)
        if role is Role.PARAMETER:
            parameter = self.params[node.name]
            return constant(parameter.ms if parameter.number is None else parameter.number)
        if role is Role.LABEL:
            return label_reader(label_of(node))
        if role is Role.EVERY:
            self.notes.reads_every = True
            return lambda moment: moment.device.every_ms
        if role is Role.ONLINE:
            self.notes.reads_online = True
            return lambda moment: moment.device.online
        name = self.metric(node)
        if name in self.notes.events:
            return event_reader(name)
        return metric_reader(name, self._rule.stale_ms)

    def window(self, _node: nodes.Window) -> Closure:
        """Compile a window within a window function's argument: the sample at hand."""
        return lambda moment: moment.element

    def call(self, node: nodes.Call) -> Closure:
        """Compile a call."""
        return FUNCTIONS[node.name](node, self)

    def negative(self, node: nodes.Negative) -> Closure:
        """Compile unary minus."""
        if isinstance(node.operand, nodes.Literal):
            return constant(negated(node.operand.value))
        operand = self.quantity(node.operand)
        return lambda moment: negated(operand(moment))

    def arithmetic(self, node: nodes.Arithmetic) -> Closure:
        """Compile `left op right`."""
        op, left, right = node.op, self.quantity(node.left), self.quantity(node.right)
        return lambda moment: calculate(op, left(moment), right(moment))

    def comparison(self, node: nodes.Comparison) -> Closure:
        """Compile a chain of comparisons, pair by pair."""
        pairs = [
            self._pair(op, left, right)
            for op, left, right in zip(node.ops, node.operands, node.operands[1:], strict=False)
        ]
        return pairs[0] if len(pairs) == 1 else conjunction(pairs)

    def _pair(self, op: str, left: Node, right: Node) -> Closure:
        if op == "in":
            items = right.items if isinstance(right, nodes.ListOf) else (right,)
            return disjunction([self._pair("==", left, item) for item in items])
        texts = any(isinstance(side, nodes.Literal) and isinstance(side.value, str) for side in (left, right))
        read = self.closure if texts or (_is_label(left) and _is_label(right)) else self.quantity
        one, other = read(left), read(right)
        if self._within is None and any(_is_age(part) for side in (left, right) for part in walk(side)):
            self.notes.crossings.append(Crossing(op, one, other))
        number = self._number(right)
        return comparing(op, one, other) if number is None else comparing_with(op, one, number)

    def _number(self, node: Node) -> Any:
        """Return the number that a node always is, None for all others."""
        if isinstance(node, nodes.Negative):
            operand = self._number(node.operand)
            return None if operand is None else -operand
        value = node.value if isinstance(node, nodes.Literal) else None
        if isinstance(node, nodes.DurationLiteral):
            value = node.ms
        if isinstance(node, nodes.Path) and role_of(node, self.params) is Role.PARAMETER:
            parameter = self.params[node.name]
            value = parameter.ms if parameter.number is None else parameter.number
        return value if value.__class__ in NUMBERS else None

    def bend(self, node: Node, argument: Closure) -> None:
        """Note that what is compiled runs straight only as long as the argument keeps its sign."""
        if any(_is_age(part) for part in walk(node)):
            self.notes.crossings.append(Crossing("<", argument, constant(0)))

    def quantity(self, node: Node) -> Closure:
        """Compile an operand; a label among numbers is read as a number or a duration."""
        return quantity(self.closure(node)) if _is_label(node) else self.closure(node)

    def negation(self, node: nodes.Not) -> Closure:
        """Compile `not x`."""
        operand = self.closure(node.operand)

        def judge(moment: Moment) -> Truth:
            truth = operand(moment)
            return not truth if truth.__class__ is bool else None

        return judge

    def logic(self, node: nodes.Logic) -> Closure:
        """Compile `and` or `or`."""
        operands = [self.closure(operand) for operand in node.operands]
        return conjunction(operands) if node.op == "and" else disjunction(operands)


def _by_name(item: tuple[str, Parameter]) -> str:
    return item[0]


def _is_label(node: Node) -> bool:
    return isinstance(node, nodes.Path) and not node.quoted and node.name.startswith("device.")


def _is_age(node: Node) -> bool:
    return isinstance(node, nodes.Call) and node.name == "age"


_BUILD: Final[Mapping[type[Node], Callable[[Compiler, Any], Closure]]] = {
    nodes.Literal: lambda _compiler, node: constant(node.value),
    nodes.DurationLiteral: lambda _compiler, node: constant(node.ms),
    nodes.Path: Compiler.path,
    nodes.Window: Compiler.window,
    nodes.Call: Compiler.call,
    nodes.Negative: Compiler.negative,
    nodes.Arithmetic: Compiler.arithmetic,
    nodes.Comparison: Compiler.comparison,
    nodes.Not: Compiler.negation,
    nodes.Logic: Compiler.logic,
}
