"""Find what an expression yields, and every place where it cannot work."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from iotops.rules.language.kinds import arithmetic_kind, comparable, comparison_hint, shown
from iotops.rules.language.names import Role, label_of, role_of
from iotops.rules.language.nodes import (
    Arithmetic,
    Call,
    Comparison,
    DurationLiteral,
    ListOf,
    Literal,
    Logic,
    Negative,
    Node,
    Not,
    Path,
    Window,
)
from iotops.rules.language.scope import Scope
from iotops.rules.language.signatures import QUANTITY, REPORTED, SIGNATURES, Kind, Signature, Takes
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.supported import FUNCTIONS
from iotops.rules.language.walk import walk

_ANYTHING = REPORTED | QUANTITY  # of parts that were complained about: one complaint is enough
_WANTED = {
    Takes.QUANTITY: QUANTITY,
    Takes.NUMBER: Kind.NUMBER,
    Takes.DURATION: Kind.DURATION,
    Takes.CONDITION: Kind.TRUTH,
}


class Complaint(NamedTuple):
    """Something that cannot work, and the part of the expression that it is about."""

    node: Node
    code: str
    message: str
    hint: str = ""


class Typed(NamedTuple):
    """What a part of an expression yields; `windows` are those in it that no function has taken yet."""

    kind: Kind
    windows: tuple[Window, ...] = ()


def check_condition(root: Node, scope: Scope) -> tuple[Complaint, ...]:
    """Return what is wrong with an expression that must be true or false."""
    complaints, kind = _checked(root, scope)
    if not complaints and not kind & Kind.TRUTH:
        hint = "compare it with something, as in ... > 8"
        return (Complaint(root, "not-a-condition", f"a condition is true or false, this is {shown(kind)}", hint),)
    return complaints


def check_value(root: Node, scope: Scope) -> tuple[tuple[Complaint, ...], Kind]:
    """Return what is wrong with an expression whose value is shown, and what it can be."""
    return _checked(root, scope)


def _checked(root: Node, scope: Scope) -> tuple[tuple[Complaint, ...], Kind]:
    checker = _Checker(scope)
    typed = checker.scalar(root)
    return tuple(checker.complaints), typed.kind


class _Checker:
    """Walks a tree once; one method for each kind of node."""

    def __init__(self, scope: Scope) -> None:
        self.complaints: list[Complaint] = []
        self._scope = scope
        self._by_node: Mapping[type[Node], Callable[[Any], Typed]] = {
            Literal: self._literal,
            DurationLiteral: lambda _: Typed(Kind.DURATION),
            Path: self._path,
            Window: self._window,
            Call: self._call,
            Negative: self._negative,
            Arithmetic: self._arithmetic,
            Comparison: self._comparison,
            Not: self._not,
            Logic: self._logic,
            ListOf: self._list,
        }

    def scalar(self, node: Node) -> Typed:
        """Type a part that must be a single value."""
        typed = self._typed(node)
        for window in typed.windows:
            written = f"{window.path.name}[...]"
            hint = f"avg({written}), count({written} > ...), ..."
            self._complain(
                window, "window-outside-function", "a window stands only inside a function over windows", hint
            )
        return Typed(typed.kind)

    def _typed(self, node: Node) -> Typed:
        return self._by_node[type(node)](node)

    def _complain(self, node: Node, code: str, message: str, hint: str = "") -> None:
        self.complaints.append(Complaint(node, code, message, hint))

    def _literal(self, node: Literal) -> Typed:
        if isinstance(node.value, bool):
            return Typed(Kind.TRUTH)
        return Typed(Kind.TEXT if isinstance(node.value, str) else Kind.NUMBER)

    def _path(self, node: Path) -> Typed:
        return Typed(self._scope.kind_of(node))

    def _window(self, node: Window) -> Typed:
        if role_of(node.path, self._scope.params) not in (Role.METRIC, Role.EVENT, Role.ONLINE):
            message = f'"{node.path.name}" is no metric, and has no samples to look back on'
            self._complain(node.path, "not-a-metric", message, "a window stands behind a metric, as in temp[5m]")
            return Typed(_ANYTHING, (node,))
        return Typed(self._scope.kind_of(node.path), (node,))

    def _call(self, node: Call) -> Typed:
        signature = SIGNATURES.get(node.name)
        name = Path(node.start, node.start + len(node.name), node.name)
        if signature is None:
            message, known = f'there is no function "{node.name}"', "known are " + ", ".join(sorted(SIGNATURES))
            self._complain(name, "unknown-function", message, did_you_mean(node.name, SIGNATURES) or known)
            return Typed(_ANYTHING)
        if node.name not in FUNCTIONS:
            self._complain(name, "not-yet", f"this version cannot evaluate {node.name}() yet", "leave it out for now")
        if not len(signature.takes) - signature.optional <= len(node.args) <= len(signature.takes):
            message = f"{node.name}() takes {_count(signature)}, found {len(node.args)}"
            self._complain(node, "wrong-arguments", message, f"write {signature.usage}")
            return Typed(signature.result or QUANTITY)
        kinds = [self._argument(node.name, takes, arg) for takes, arg in zip(signature.takes, node.args, strict=False)]
        return Typed(signature.result or kinds[0])

    def _argument(self, function: str, takes: Takes, node: Node) -> Kind:
        if takes in (Takes.NUMBERS, Takes.WINDOW):
            return self._over_window(function, takes, node)
        if takes in (Takes.RULE, Takes.LABEL, Takes.METRIC):
            self._named(function, takes, node)
            return REPORTED
        kind = self.scalar(node).kind
        hint = "write its unit, as in 4h" if takes is Takes.DURATION else ""
        self._expect(node, kind, _WANTED[takes], f"{function}() takes {takes.value}", hint)
        return kind & _WANTED[takes] or _WANTED[takes]

    def _over_window(self, function: str, takes: Takes, node: Node) -> Kind:
        call = next((found for found in walk(node) if isinstance(found, Call)), None)
        if call is not None:
            message = f"{call.name}() cannot stand inside the window of {function}()"
            hint = "only comparisons, arithmetic, and, or, not work sample by sample"
            self._complain(call, "function-in-window", message, hint)
            return REPORTED
        typed = self._typed(node)
        if not typed.windows:
            hint = (
                f"write {function}({node.name}[5m])" if isinstance(node, Path) else f"{function}() takes {takes.value}"
            )
            self._complain(node, "window-expected", f"{function}() looks back over a window, and none is given", hint)
        elif len(typed.windows) > 1:
            message = f"{function}() takes exactly one window, found {len(typed.windows)}"
            self._complain(typed.windows[1], "several-windows", message, "compare two functions, one for each window")
        elif takes is Takes.NUMBERS and not typed.kind & Kind.NUMBER:
            message = f"{function}() works on numbers, and each sample gives {shown(typed.kind)}"
            self._complain(node, "type-mismatch", message, "count() counts samples")
        return typed.kind

    def _named(self, function: str, takes: Takes, node: Node) -> None:
        if takes is Takes.METRIC:
            fits = isinstance(node, Path) and role_of(node, self._scope.params) in (Role.METRIC, Role.EVENT)
        else:
            fits = isinstance(node, Path) and not node.quoted and "." not in node.name
        if not fits:
            hint = f"write {label_of(node)}" if isinstance(node, Path) else f"write {SIGNATURES[function].usage}"
            self._complain(node, "wrong-arguments", f"{function}() takes {takes.value} here, as a plain name", hint)

    def _negative(self, node: Negative) -> Typed:
        typed = self._typed(node.operand)
        self._expect(node.operand, typed.kind, QUANTITY, "a minus needs a number or a duration")
        return Typed(typed.kind & QUANTITY or _ANYTHING, typed.windows)

    def _arithmetic(self, node: Arithmetic) -> Typed:
        left, right = self._typed(node.left), self._typed(node.right)
        kind = arithmetic_kind(node.op, left.kind, right.kind)
        if kind is None:
            message = f"{shown(left.kind)} {node.op} {shown(right.kind)} makes no sense"
            by_half = node.op == "/" and left.kind is Kind.DURATION
            hint = "multiply by 0.5 instead of dividing by 2" if by_half else "numbers go with numbers"
            self._complain(node, "type-mismatch", message, hint)
        return Typed(kind or Kind.NUMBER | Kind.DURATION, left.windows + right.windows)

    def _comparison(self, node: Comparison) -> Typed:
        typed = [self._member(node, place) for place in range(len(node.operands))]
        for op, left, right, there in zip(node.ops, typed, typed[1:], node.operands[1:], strict=False):
            if not comparable(op, left.kind, right.kind):
                message = f"cannot compare {shown(left.kind)} with {shown(right.kind)} by {op}"
                self._complain(there, "type-mismatch", message, comparison_hint(left.kind, right.kind))
        return Typed(Kind.TRUTH, tuple(window for one in typed for window in one.windows))

    def _member(self, node: Comparison, place: int) -> Typed:
        operand = node.operands[place]
        op = node.ops[place - 1] if place else ""
        if (op == "in") == isinstance(operand, ListOf):
            return self._items(operand) if isinstance(operand, ListOf) else self._typed(operand)
        if op == "in":
            self._complain(operand, "list-expected", '"in" needs a list on its right', 'as in door in ["open", "ajar"]')
            return self._typed(operand)
        return self._list(operand)

    def _items(self, node: ListOf) -> Typed:
        kind = Kind(0)
        for item in node.items:
            kind |= self.scalar(item).kind
        return Typed(kind)

    def _list(self, node: Node) -> Typed:
        self._complain(node, "list-misplaced", 'a list stands only on the right of "in"', "as in x in [1, 2]")
        return Typed(_ANYTHING)

    def _not(self, node: Not) -> Typed:
        typed = self._typed(node.operand)
        self._expect(node.operand, typed.kind, Kind.TRUTH, '"not" needs a condition')
        return Typed(Kind.TRUTH, typed.windows)

    def _logic(self, node: Logic) -> Typed:
        windows: tuple[Window, ...] = ()
        for operand in node.operands:
            typed = self._typed(operand)
            self._expect(operand, typed.kind, Kind.TRUTH, f'"{node.op}" needs conditions on both sides')
            windows += typed.windows
        return Typed(Kind.TRUTH, windows)

    def _expect(self, node: Node, kind: Kind, wanted: Kind, message: str, hint: str = "") -> None:
        if not kind & wanted:
            self._complain(node, "type-mismatch", f"{message}, this is {shown(kind)}", hint)


def _count(signature: Signature) -> str:
    most = len(signature.takes)
    least = most - signature.optional
    return f"{most} argument{'s' * (most != 1)}" if least == most else f"{least} or {most} arguments"
