"""The tree of a condition's parts, each with its value at a moment."""

from collections.abc import Iterator, Mapping
from typing import Any

from iotops.durations import format_duration, format_instant
from iotops.rules.authoring.crowd import Asked, asked_of, devices_of, firing_of, others_of
from iotops.rules.authoring.explanation import Branch, Line
from iotops.rules.closures import Compiler, Notes
from iotops.rules.compiled import CompiledRule
from iotops.rules.evidence import plain
from iotops.rules.language import nodes
from iotops.rules.language.nodes import Node
from iotops.rules.language.scope import Scope
from iotops.rules.language.signatures import Kind
from iotops.rules.language.types import check_value
from iotops.rules.language.usage import metrics_in
from iotops.rules.moment import Moment
from iotops.rules.rule import Expression, MetricSpec
from iotops.rules.values import NUMBERS, Interval, NoEvent
from iotops.wording import counted

_CONSTANT = nodes.Literal | nodes.DurationLiteral | nodes.ListOf
_LEAF = nodes.Path | nodes.Call


def branch_of(
    role: str, expression: Expression, rule: CompiledRule, moment: Moment, catalogue: Mapping[str, MetricSpec]
) -> Branch:
    """Return a condition with all its parts, read at a moment."""
    reader = _PartReader(expression, rule, moment, catalogue)
    sequence = isinstance(expression.root, nodes.Sequence)
    truth = rule.whens[0](moment) if sequence else reader.value(expression.root)
    return Branch(
        role,
        expression.text,
        truth if isinstance(truth, bool) else None,
        expression.position,
        tuple(reader.lines(expression.root, 0)),
    )


class _PartReader:
    """Reads the parts of one expression at one moment."""

    def __init__(
        self, expression: Expression, rule: CompiledRule, moment: Moment, catalogue: Mapping[str, MetricSpec]
    ) -> None:
        self._text = expression.text
        self._rule = rule
        self._moment = moment
        self._told_of: list[Asked] = []
        self._scope = Scope(rule.params, catalogue)
        self._compiler = Compiler(rule.rule, rule.params, catalogue, Notes(), surveys=rule.asking)

    def value(self, node: Node) -> Any:
        return self._compiler.closure(node)(self._moment)

    def lines(self, node: Node, depth: int, *, leaf: bool = False) -> Iterator[Line]:
        if isinstance(node, _CONSTANT):
            return
        if isinstance(node, nodes.Sequence):
            yield from self._steps(node, depth)
            return
        value = self.value(node)
        comparison = isinstance(node, nodes.Comparison)
        shown = self._compared(node) if isinstance(node, nodes.Comparison) else self._shown(node, value)
        note = self._margin(node) if isinstance(node, nodes.Comparison) else self._told(node)
        yield Line(depth, self._text[node.start : node.end], plain(value), shown, note, leaf)
        yield from self._crowd(node, depth + 1)
        for child in _below(node):
            yield from self.lines(child, depth + 1, leaf=comparison and isinstance(child, _LEAF))

    def _crowd(self, node: Node, depth: int) -> Iterator[Line]:
        """Yield the devices that a count is made of, once for each condition."""
        asked = self._polled(node)
        if asked is not None and asked not in self._told_of:
            self._told_of.append(asked)
            yield from devices_of(asked, self._moment, depth)

    def _polled(self, node: Node) -> Asked | None:
        """Return what `devices()` or `share()` asks a group, None for everything else."""
        if not isinstance(node, nodes.Call) or node.name not in ("devices", "share"):
            return None
        return asked_of(node, self._rule.asking, self._moment)

    def _steps(self, node: nodes.Sequence, depth: int) -> Iterator[Line]:
        """Yield the steps with how far the attempt has come, each above its condition."""
        attempt = self._moment.device.attempts.get(self._rule.id)
        done = attempt.done if attempt is not None else 0
        yield Line(depth, f"{len(node.steps)} steps", None, f"{done} of {len(node.steps)} done")
        for place, step in enumerate(node.steps):
            note = "done" if place < done else ""
            if attempt is not None and place == done - 1:
                note = f"done at {format_instant(attempt.since_ms)}"
            elif attempt is not None and 0 < done == place:
                note = _waits(step, attempt.since_ms)
            elif place == done:
                note = "waits for its edge"
            value = self.value(step.condition)
            yield Line(depth + 1, self._text[step.start : step.end], plain(value), self._shown(step, value), note)
            for child in _below(step.condition):
                yield from self.lines(child, depth + 2, leaf=isinstance(step.condition, nodes.Comparison))

    def _compared(self, node: nodes.Comparison) -> str:
        sides = [
            self._text[side.start : side.end] if isinstance(side, nodes.ListOf) else self._shown(side, self.value(side))
            for side in node.operands
        ]
        return sides[0] + "".join(f" {op} {side}" for op, side in zip(node.ops, sides[1:], strict=True))

    def _shown(self, node: Node, value: Any) -> str:
        if value is None:
            return "unknown"
        if isinstance(value, NoEvent):
            return "no event"
        asked = self._polled(node)
        if asked is not None and isinstance(node, nodes.Call) and node.name == "devices":
            return asked.of_all
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, Interval):
            return _bounds(value)
        if value.__class__ in NUMBERS:
            return format_duration(value) if self._is_duration(node) else f"{value:.6g}"
        return f'"{value}"'

    def _is_duration(self, node: Node) -> bool:
        if isinstance(node, nodes.SequenceStep):
            return False
        return check_value(node, self._scope)[1] is Kind.DURATION

    def _margin(self, node: nodes.Comparison) -> str:
        """Return how far a comparison of two numbers is from turning."""
        if len(node.ops) > 1 or node.ops[0] not in ("<", "<=", ">", ">="):
            return ""
        left, right = (self.value(side) for side in node.operands)
        if left.__class__ not in NUMBERS or right.__class__ not in NUMBERS:
            return ""
        apart = abs(left - right)
        shown = format_duration(apart) if self._is_duration(node.operands[0]) else f"{apart:.6g}"
        if not apart:
            return "equal"
        return f"{shown} {'above' if left > right else 'below'}"

    def _told(self, node: Node) -> str:
        """Return which sample a metric's value is, and on whom a rule that is asked for fires."""
        if isinstance(node, nodes.Call) and node.name == "firing":
            return firing_of(node, self._moment)
        if isinstance(node, nodes.Call) and node.name == "peers":
            asked = asked_of(node, self._rule.asking, self._moment)
            return "" if asked is None else others_of(asked, self._moment)
        if self._rule.is_group:
            return ""
        if isinstance(node, nodes.Path) and (names := metrics_in(node, self._rule.params)):
            series = self._moment.device.series.get(next(iter(names)))
            return f"at {format_instant(series.good_ms)}" if series is not None and series.times else "never reported"
        if isinstance(node, nodes.Call):
            return self._windowed(node)
        return ""

    def _windowed(self, node: nodes.Call) -> str:
        """Return how many samples stand in the window of a function."""
        window = next((part for part in node.args if isinstance(part, nodes.Window)), None)
        series = self._moment.device.series.get(window.path.name) if window is not None else None
        if window is None or series is None:
            return ""
        count = len(series.times)
        if window.span_ms is not None:
            since_ms = self._moment.asof_ms - window.span_ms
            count = sum(since_ms < at_ms <= self._moment.asof_ms for at_ms in series.times)
        elif window.count is not None:
            count = min(count, window.count)
        return counted(count, "sample")


def _waits(step: nodes.SequenceStep, since_ms: int) -> str:
    if step.within_ms is None:
        return "waits for it"
    until = format_instant(since_ms + step.within_ms)
    return f"must stay so until {until}" if step.negated else f"waits for it until {until}"


def _below(node: Node) -> tuple[Node, ...]:
    """Return the parts directly below that have a value of their own; within a window there is one for each sample."""
    if isinstance(node, nodes.Negative | nodes.Not):
        return (node.operand,)
    if isinstance(node, nodes.Arithmetic):
        return (node.left, node.right)
    if isinstance(node, nodes.Call):
        return node.args if node.name == "abs" else ()
    return node.operands if isinstance(node, nodes.Comparison | nodes.Logic) else ()


def _bounds(value: Interval) -> str:
    if value.high == float("inf"):
        return f"at least {value.low:.6g}"
    if value.low == float("-inf"):
        return f"at most {value.high:.6g}"
    return f"{value.low:.6g} to {value.high:.6g}"
