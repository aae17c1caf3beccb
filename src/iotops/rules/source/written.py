"""Expressions and templates as they stand in a file: parsed, and able to point at their characters there."""

from collections.abc import Sequence
from dataclasses import dataclass

from iotops.errors import ExpressionError
from iotops.rules.finding import Level
from iotops.rules.language.nodes import Node
from iotops.rules.language.parser import parse
from iotops.rules.language.template import Slot, split
from iotops.rules.rule import Expression, Placeholder, Template
from iotops.rules.source.nodes import YamlNode, YamlScalar
from iotops.rules.source.scalars import offsets
from iotops.rules.source.text import FindingLog


@dataclass(frozen=True, slots=True)
class Written:
    """An expression and where it is written: character i of its text stands at `places[i]` of the log's file.

    Attributes:
        slot: the placeholder it fills in a template, None for an expression on its own.
    """

    expression: Expression
    log: FindingLog
    places: Sequence[int]
    slot: Slot | None = None

    def say(self, level: Level, node: Node, code: str, message: str, *, hint: str = "") -> None:
        """Log a finding about a part of the expression."""
        start, end = _span(self.places, node.start, node.end)
        self.log.add(level, start, end, code, message, hint=hint)


@dataclass(frozen=True, slots=True)
class WrittenTemplate:
    """A template and its placeholders' expressions, in order."""

    template: Template
    slots: tuple[Written, ...]


def read_expression(log: FindingLog, node: YamlNode) -> Written | None:
    """Return the expression of a YAML value; None where it is none, which is logged."""
    if not isinstance(node, YamlScalar):
        log.error(
            node.start, node.end, "not-an-expression", "expected an expression, found a list or a map", "write one"
        )
        return None
    if node.broken:
        return None
    if not node.text.strip():
        log.error(node.start, node.end, "empty", "expected an expression, found nothing", "write one, as in temp > 8")
        return None
    return _parsed(log, node.text, offsets(log.source.text, node))


def read_template(log: FindingLog, node: YamlScalar) -> WrittenTemplate | None:
    """Return the template of a YAML value; None where a placeholder cannot be read, which is logged."""
    places = offsets(log.source.text, node)
    try:
        pieces = split(node.text)
    except ExpressionError as error:
        _log_fault(log, places, error)
        return None
    parts: list[str | Placeholder] = []
    slots: list[Written] = []
    for piece in pieces:
        if isinstance(piece, str):
            parts.append(piece)
            continue
        text = node.text[piece.start : piece.end]
        found = _parsed(log, text, places[piece.start : _slot_end(piece)], piece)
        if found is not None:
            slots.append(found)
            parts.append(Placeholder(found.expression, piece.format))
    return WrittenTemplate(Template(node.text, tuple(parts)), tuple(slots))


def _slot_end(slot: Slot) -> int:
    return max(slot.end, slot.format_start + len(slot.format)) + 1


def _parsed(log: FindingLog, text: str, places: Sequence[int], slot: Slot | None = None) -> Written | None:
    try:
        expression = parse(text, log.source.position(places[0]))
    except ExpressionError as error:
        _log_fault(log, places, error)
        return None
    return Written(expression, log, places, slot)


def _log_fault(log: FindingLog, places: Sequence[int], error: ExpressionError) -> None:
    start, end = _span(places, error.start, error.end)
    log.error(start, end, error.code, error.message, error.hint)


def _span(places: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """Return the part of the file that writes characters `start` to `end`; the end may lie behind the text."""
    last = len(places) - 1
    first = places[min(start, last)]
    return first, max(first + 1, places[min(end, last)] if end <= last else places[last] + 1)
