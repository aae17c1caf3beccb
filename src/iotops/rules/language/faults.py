"""What the parser says about text that it cannot read."""

from iotops.errors import ExpressionError
from iotops.rules.language.timewords import is_unit
from iotops.rules.language.tokens import Token, TokenKind

MAX_WINDOW_SAMPLES = 10_000  # per metric and device in memory; more than a day of 10 s samples
MAX_WINDOW_MS = 366 * 86_400_000
_WORDS = {"and": "write and", "or": "write or", "not": "write not", "in": "write in", "is": "write =="}
_PAIRS = {("*", "*"): "there is no power; write x * x", ("<", ">"): "write !="}
_SYMBOLS = {
    ")": 'remove it, or add the "(" or the value that belongs to it',
    "]": 'remove it, or add the "[" or the value that belongs to it',
    ".": "functions and values have no members",
    ",": "commas separate the arguments of a function and the items of a list",
    "[": "a window stands directly behind a metric",
}


def window_fault(size: Token) -> str:
    """Return what is wrong with the size of a window; empty: nothing is."""
    if size.kind is TokenKind.DURATION:
        if int(size.value) > MAX_WINDOW_MS:
            return "of at most 366d"
        return "" if size.value else "longer than nothing"
    if size.kind is TokenKind.NUMBER and isinstance(size.value, int):
        if size.value > MAX_WINDOW_SAMPLES:
            return f"of at most {MAX_WINDOW_SAMPLES} samples"
        return "" if size.value else "and at least one"
    return f"found {_shown(size)}"


def _shown(token: Token) -> str:
    if token.kind in (TokenKind.SYMBOL, TokenKind.KEYWORD, TokenKind.NAME):
        return f'"{token.value}"'
    return str(token.kind.value)


def unexpected(token: Token, before: Token | None, expected: str, hint: str = "") -> ExpressionError:
    """Return the error for `token`, which stands after `before` where something else was expected."""
    if token.kind is TokenKind.END:
        start = before.end if before else 0
        after = f" after {_shown(before)}" if before and before.kind is not TokenKind.END else ""
        message = f"the expression ends{after}, expected {expected}"
        return ExpressionError(start, start + 1, "incomplete", message, hint or "complete it, as in temp > 8")
    message = f"found {_shown(token)}, expected {expected}"
    return ExpressionError(token.start, token.end, "unexpected", message, hint or _hint(token, before))


def _hint(token: Token, before: Token | None) -> str:
    word = str(token.value)
    if token.kind is TokenKind.NAME:
        if before is not None and before.kind is TokenKind.NUMBER and is_unit(word):
            return "a duration has no space between number and unit, as in 10m"
        return _WORDS.get(word.lower(), "join conditions by and, or")
    if before is not None and (str(before.value), word) in _PAIRS:
        return _PAIRS[str(before.value), word]
    return _SYMBOLS.get(word, "a value is a name, a number, a duration, a text or a function")
