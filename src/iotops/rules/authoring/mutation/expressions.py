"""Small changes to an expression: its numbers, its comparisons, its words, and then whatever else makes it another."""

from collections.abc import Mapping
from typing import Final

from iotops.rules.authoring.mutation.amounts import durations_near, numbers_near
from iotops.rules.authoring.mutation.changes import Change, Changes
from iotops.rules.authoring.mutation.edits import Edit
from iotops.rules.language.nodes import Call, Comparison, Literal, Logic, Node
from iotops.rules.language.tokens import Token, TokenKind, tokens
from iotops.rules.language.walk import walk
from iotops.rules.source.written import Written

_FLIPPED: Final[Mapping[str, tuple[str, ...]]] = {
    "<": (">", "<="),
    "<=": (">=", "<"),
    ">": ("<", ">="),
    ">=": ("<=", ">"),
    "==": ("!=",),
    "!=": ("==",),
}
_WORDS: Final = {"and": "or", "or": "and"}
_SWAPPED: Final = {
    "min": "max", "max": "min", "avg": "max", "median": "avg", "sum": "avg", "range": "delta", "stddev": "range",
    "delta": "increase", "increase": "delta", "rate": "increase", "devices": "share", "share": "devices",
}  # fmt: skip


def amounts(written: Written) -> Changes:
    """Yield every number and duration of an expression by one unit and by 10 %, up and down."""
    before = ""
    for token in tokens(written.expression.text):
        text = written.expression.text[token.start : token.end]
        if token.kind is TokenKind.NUMBER:
            near = numbers_near(text, whole=before == "[" and _is_window(written, token))
            yield from (_change(written, token, new, f"a number {how}") for new, how in near)
        elif token.kind is TokenKind.DURATION:
            yield from (_change(written, token, new, f"a duration {how}") for new, how in durations_near(text))
        before = text


def flips(written: Written) -> Changes:
    """Yield every comparison turned round and, where it has an edge, with the edge moved; and every `and` and `or`."""
    for token in tokens(written.expression.text):
        if token.kind is TokenKind.SYMBOL:
            for other in _FLIPPED.get(str(token.value), ()):
                yield _change(written, token, other, "a comparison flipped")
        elif token.kind is TokenKind.KEYWORD and token.value in _WORDS:
            yield _change(written, token, _WORDS[str(token.value)], f"{token.value} flipped")
    for node in walk(written.expression.root):
        if isinstance(node, Comparison) and "in" in node.ops:
            yield _wrapped(written, node, "not (", ")", "a comparison flipped")


def beyond(written: Written) -> Changes:
    """Yield further changes, for expressions with little in them."""
    for token in tokens(written.expression.text):
        if token.kind is TokenKind.KEYWORD and token.value == "not":
            yield _change(written, token, "", "not dropped")
    for node in walk(written.expression.root):
        if isinstance(node, Logic):
            yield from _operands(written, node)
        elif isinstance(node, Call):
            yield from _functions(written, node)
        elif isinstance(node, Literal):
            yield from _texts(written, node)
    root = written.expression.root
    yield _wrapped(written, root, "not (", ")", "a condition negated")


def _operands(written: Written, node: Logic) -> Changes:
    """Yield the logic without each of its operands."""
    for place, operand in enumerate(node.operands):
        others = [_whole(written, each) for each in node.operands if each is not operand]
        kept = f" {node.op} ".join(f"({written.expression.text[each.start : each.end]})" for each in others)
        yield _replaced(written, _whole(written, node), kept, f"part {place + 1} of {len(node.operands)} dropped")


def _functions(written: Written, node: Call) -> Changes:
    if node.name in _SWAPPED:
        end = node.start + len(node.name)
        yield _replaced(written, Node(node.start, end), _SWAPPED[node.name], f"{node.name} for {_SWAPPED[node.name]}")


def _texts(written: Written, node: Literal) -> Changes:
    if isinstance(node.value, str):
        yield _replaced(written, Node(node.end - 1, node.end - 1), "_", "another text")
    elif isinstance(node.value, bool):
        yield _replaced(written, node, str(not node.value).lower(), "the other truth value")


def _is_window(written: Written, token: Token) -> bool:
    """Tell whether a number behind a bracket counts samples; else it is the first of a list."""
    return token.start >= 2 and written.expression.text[token.start - 2] not in " (,"


def _change(written: Written, token: Token, text: str, what: str) -> Change:
    return _replaced(written, Node(token.start, token.end), text, what)


def _replaced(written: Written, node: Node, text: str, what: str) -> Change:
    start, end = written.places[node.start], written.places[node.end]
    return Change(what, start, (Edit(start, end, text),))


def _wrapped(written: Written, node: Node, before: str, after: str, what: str) -> Change:
    node = _whole(written, node)
    start, end = written.places[node.start], written.places[node.end]
    return Change(what, start, (Edit(start, start, before), Edit(end, end, after)))


def _whole(written: Written, node: Node) -> Node:
    """Return the part of the text that a node takes with the brackets that it needs; trees have none."""
    found = [token for token in tokens(written.expression.text) if token.value in ("(", ")") and _is_symbol(token)]
    start, end = node.start, node.end
    while True:
        depth = lowest = 0
        for token in found:
            if start <= token.start < end:
                depth += 1 if token.value == "(" else -1
                lowest = min(lowest, depth)
        if not depth and not lowest:
            return Node(start, end)
        if lowest:
            start = max(token.start for token in found if token.start < start)
        else:
            end = min(token.end for token in found if token.start >= end)


def _is_symbol(token: Token) -> bool:
    return token.kind is TokenKind.SYMBOL
