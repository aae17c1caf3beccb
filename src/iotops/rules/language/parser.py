"""Read an expression into its syntax tree.

The grammar, from the loosest to the tightest binding::

    expr  := and ("or" and)*
    and   := not ("and" not)*
    not   := "not" not | cmp
    cmp   := sum (("<" | "<=" | ">" | ">=" | "==" | "!=" | "in") sum)*
    sum   := mul (("+" | "-") mul)*
    mul   := unary (("*" | "/" | "%") unary)*
    unary := "-" unary | atom
    atom  := NUMBER | DURATION | TEXT | "true" | "false" | path ("[" (DURATION | INT) "]")?
           | NAME "(" (expr ("," expr)*)? ")" | "(" expr ")" | "[" expr ("," expr)* "]"
    path  := NAME ("." NAME)* | "`" any "`"
"""

from collections.abc import Callable

from iotops.errors import ExpressionError
from iotops.rules.language.faults import unexpected, window_fault
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
from iotops.rules.language.tokens import Token, TokenKind, tokens
from iotops.rules.language.walk import height
from iotops.rules.rule import Expression, Position

MAX_LENGTH = 500
MAX_DEPTH = 20
MAX_HEIGHT = 60  # `a + b + c` leans to the left; whoever walks the tree by recursion must not run out of stack
_ORDER = frozenset({"<", "<=", ">", ">=", "==", "!=", "in"})
_SUMS = frozenset({"+", "-"})
_PRODUCTS = frozenset({"*", "/", "%"})
_OPERATORS = (TokenKind.SYMBOL, TokenKind.KEYWORD)
_SOMEWHERE = Position("<expression>", 1, 1)


def parse(text: str, position: Position = _SOMEWHERE) -> Expression:
    """Return the syntax tree of `text`, which starts at `position` of its file.

    Raises:
        ExpressionError: the first fault, with the offending characters.
    """
    if len(text) > MAX_LENGTH:
        message = f"this expression has {len(text)} characters, at most {MAX_LENGTH} are allowed"
        raise ExpressionError(MAX_LENGTH, len(text), "too-long", message, "split it into rules joined by firing()")
    reader = _Reader(list(tokens(text)))
    root = reader.expression()
    reader.finish()
    if height(root) > MAX_HEIGHT:
        message = f"a sum or product of more than {MAX_HEIGHT} parts"
        raise ExpressionError(root.start, root.end, "too-deep", message, "split the expression into several rules")
    return Expression(text, root, position)


class _Reader:
    """Recursive descent over the tokens; one method for each line of the grammar."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._depth = 0

    def expression(self) -> Node:
        operands = [self._conjunction()]
        while self._take("or"):
            operands.append(self._conjunction())
        return operands[0] if len(operands) == 1 else _logic("or", operands)

    def finish(self) -> None:
        token = self._peek()
        if token.kind is TokenKind.END:
            return
        raise unexpected(token, self._previous(), "the end or an operator")

    def _conjunction(self) -> Node:
        operands = [self._negation()]
        while self._take("and"):
            operands.append(self._negation())
        return operands[0] if len(operands) == 1 else _logic("and", operands)

    def _negation(self) -> Node:
        token = self._take("not")
        if token is None:
            return self._comparison()
        operand = self._deeper(token, self._negation)
        return Not(token.start, operand.end, operand)

    def _comparison(self) -> Node:
        operands = [self._sum()]
        ops: list[str] = []
        while (token := self._take_one(_ORDER)) is not None:
            ops.append(str(token.value))
            operands.append(self._sum())
        if not ops:
            return operands[0]
        return Comparison(operands[0].start, operands[-1].end, tuple(ops), tuple(operands))

    def _sum(self) -> Node:
        left = self._product()
        while (token := self._take_one(_SUMS)) is not None:
            right = self._product()
            left = Arithmetic(left.start, right.end, str(token.value), left, right)
        return left

    def _product(self) -> Node:
        left = self._unary()
        while (token := self._take_one(_PRODUCTS)) is not None:
            right = self._unary()
            left = Arithmetic(left.start, right.end, str(token.value), left, right)
        return left

    def _unary(self) -> Node:
        token = self._take("-")
        if token is None:
            return self._atom()
        operand = self._deeper(token, self._unary)
        return Negative(token.start, operand.end, operand)

    def _atom(self) -> Node:
        before, token = self._previous(), self._next()
        kind, value = token.kind, token.value
        if kind in (TokenKind.NUMBER, TokenKind.TEXT):
            return Literal(token.start, token.end, value)
        if kind is TokenKind.DURATION:
            return DurationLiteral(token.start, token.end, int(value))
        if kind is TokenKind.KEYWORD and value in ("true", "false"):
            return Literal(token.start, token.end, value == "true")
        if kind in (TokenKind.NAME, TokenKind.QUOTED):
            return self._named(token)
        if kind is TokenKind.SYMBOL and value == "(":
            return self._group(token)
        if kind is TokenKind.SYMBOL and value == "[":
            items, end = self._items(token, "]")
            return ListOf(token.start, end, items)
        raise unexpected(token, before, "a value")

    def _group(self, opening: Token) -> Node:
        inner = self._deeper(opening, self.expression)
        self._close(opening, ")")
        return inner

    def _named(self, token: Token) -> Node:
        if token.kind is TokenKind.NAME and (opening := self._take("(")) is not None:
            args, end = self._items(opening, ")", may_be_empty=True)
            return Call(token.start, end, str(token.value), args)
        path = self._path(token)
        if (opening := self._take("[")) is not None:
            return self._window(path, opening)
        if (opening := self._take("(")) is not None:
            message = f'"{path.name}" is not a function; functions have no dots and no backticks'
            raise ExpressionError(path.start, opening.end, "not-a-function", message)
        return path

    def _path(self, token: Token) -> Path:
        if token.kind is TokenKind.QUOTED:
            return Path(token.start, token.end, str(token.value), quoted=True)
        names, end = [str(token.value)], token.end
        while (dot := self._take(".")) is not None:
            part = self._next()
            if part.kind not in (TokenKind.NAME, TokenKind.KEYWORD):
                raise unexpected(part, dot, "a name", hint="put names like that in backticks")
            names.append(str(part.value))
            end = part.end
        return Path(token.start, end, ".".join(names))

    def _window(self, path: Path, opening: Token) -> Node:
        size = self._next()
        fault = window_fault(size)
        if fault:
            message = f"a window is a duration or a whole number of samples, {fault}"
            raise ExpressionError(
                size.start,
                max(size.end, size.start + 1),
                "bad-window",
                message,
                f"write {path.name}[5m] or {path.name}[5]",
            )
        end = self._close(opening, "]").end
        if size.kind is TokenKind.DURATION:
            return Window(path.start, end, path, span_ms=int(size.value))
        return Window(path.start, end, path, count=int(size.value))

    def _items(self, opening: Token, closing: str, *, may_be_empty: bool = False) -> tuple[tuple[Node, ...], int]:
        if may_be_empty and (token := self._take(closing)) is not None:
            return (), token.end
        items = [self._deeper(opening, self.expression)]
        while self._take(","):
            items.append(self._deeper(opening, self.expression))
        return tuple(items), self._close(opening, closing).end

    def _close(self, opening: Token, closing: str) -> Token:
        token = self._peek()
        if token.kind is TokenKind.SYMBOL and token.value == closing:
            return self._next()
        if token.kind is TokenKind.END:
            message = f'"{opening.value}" is never closed'
            raise ExpressionError(opening.start, opening.end, "unclosed", message, f'add "{closing}"')
        raise unexpected(token, self._previous(), f'"{closing}" or an operator')

    def _deeper(self, token: Token, read: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"nested deeper than {MAX_DEPTH} levels"
            raise ExpressionError(
                token.start, token.end, "too-deep", message, "split the expression into several rules"
            )
        found = read()
        self._depth -= 1
        return found

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _previous(self) -> Token | None:
        return self._tokens[self._at - 1] if self._at else None

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _take(self, value: str) -> Token | None:
        token = self._tokens[self._at]
        if token.value == value and token.kind in _OPERATORS:
            self._at += 1
            return token
        return None

    def _take_one(self, values: frozenset[str]) -> Token | None:
        token = self._tokens[self._at]
        if token.kind in _OPERATORS and token.value in values:
            self._at += 1
            return token
        return None


def _logic(word: str, operands: list[Node]) -> Logic:
    return Logic(operands[0].start, operands[-1].end, word, tuple(operands))
