"""The syntax tree of an expression. Every node knows where it stands in the expression's text."""

from dataclasses import dataclass

from iotops.telemetry.reading import Value


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of an expression: text[start:end] is what the author wrote."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a text or a truth value."""

    value: Value


@dataclass(frozen=True, slots=True)
class DurationLiteral(Node):
    """A duration such as `10m`."""

    ms: int


@dataclass(frozen=True, slots=True)
class Path(Node):
    """A name: a metric, a parameter, a label, `online`, `event`, `every`, or `device.<label>`.

    `quoted` paths stood in backticks and are always metrics.
    """

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Window(Node):
    """A metric's recent samples: `x[5m]` has `span_ms`, `x[5]` has `count`; exactly one is set."""

    path: Path
    span_ms: int | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with its arguments."""

    name: str
    args: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """Unary minus."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """`left op right` with op one of + - * / %."""

    op: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """A chain as in Python: `2 <= temp <= 8` has two ops and three operands. Ops: < <= > >= == != in."""

    ops: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """`not x`."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """`a and b and c`, or the same with `or`; op is `and` or `or`, at least two operands."""

    op: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf(Node):
    """`[a, b]`, the right side of `in`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class SequenceStep(Node):
    """A condition that must become true, or (`negated`) must not, within a time from the step before.

    `within_ms` None: whenever.
    """

    condition: Node
    negated: bool = False
    within_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Sequence(Node):
    """Steps that must happen one after the other; only ever the root of a rule's condition."""

    steps: tuple[SequenceStep, ...]
