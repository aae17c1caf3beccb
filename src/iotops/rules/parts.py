"""The parts of a rule that people see: sub-expressions in evidence, placeholders in summaries."""

from collections.abc import Mapping
from dataclasses import dataclass

from iotops.rules.closures import Compiler, Notes
from iotops.rules.language import nodes
from iotops.rules.language.nodes import Node
from iotops.rules.language.scope import Scope
from iotops.rules.language.signatures import Kind
from iotops.rules.language.types import check_value
from iotops.rules.language.walk import children
from iotops.rules.moment import Closure
from iotops.rules.rule import Expression, MetricSpec, Parameter, Rule
from iotops.rules.surveys import Surveys


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression that evidence shows: its text, where it stands, and how to read it."""

    expression: Expression
    node: Node
    read: Closure

    @property
    def text(self) -> str:
        """Return what the author wrote."""
        return self.expression.text[self.node.start : self.node.end]


@dataclass(frozen=True, slots=True)
class Print:
    """A placeholder of the summary."""

    read: Closure
    format: str
    is_duration: bool


def parts_of(compiler: Compiler, expression: Expression) -> tuple[Part, ...]:
    """Return the parts of a condition that evidence shows: all but literals and what stands inside a window."""
    found: list[Part] = []
    pending: list[Node] = [expression.root]
    while pending:
        node = pending.pop(0)
        if isinstance(node, nodes.Literal | nodes.DurationLiteral | nodes.ListOf):
            continue
        if isinstance(node, nodes.Sequence | nodes.SequenceStep):
            pending[:0] = children(node)
            continue
        found.append(Part(expression, node, compiler.closure(node)))
        pending[:0] = _below(node)
    return tuple(found)


def _below(node: Node) -> list[Node]:
    if isinstance(node, nodes.Call):
        return []
    if isinstance(node, nodes.Negative | nodes.Not):
        return [node.operand]
    if isinstance(node, nodes.Arithmetic):
        return [node.left, node.right]
    return list(node.operands) if isinstance(node, nodes.Comparison | nodes.Logic) else []


def prints_of(
    rule: Rule, params: Mapping[str, Parameter], catalogue: Mapping[str, MetricSpec], notes: Notes, surveys: Surveys
) -> tuple[str | Print, ...]:
    """Return the rule's summary: texts, and placeholders ready to be read."""
    if rule.summary is None:
        return ()
    compiler = Compiler(rule, params, catalogue, notes, surveys=surveys)
    scope = Scope(params, catalogue)
    found: list[str | Print] = []
    for part in rule.summary.parts:
        if isinstance(part, str):
            found.append(part)
            continue
        root = part.expression.root
        surveys.text = part.expression.text
        is_duration = check_value(root, scope)[1] is Kind.DURATION
        found.append(Print(compiler.closure(root), part.format, is_duration))
    return tuple(found)
