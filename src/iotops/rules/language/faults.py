"""What the parser says about text that it cannot read."""

from iotops.errors import ExpressionError
from iotops.rules.language.tokens import Token, TokenKind

MAX_WINDOW_SAMPLES = 10_000  # per metric and device in memory; more than a day of 10 s samples
MAX_WINDOW_MS = 366 * 86_400_000


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
        return ExpressionError(start, start + 1, "incomplete", f"the expression ends{after}, expected {expected}", hint)
    if before is not None and before.kind is TokenKind.NUMBER and token.kind is TokenKind.NAME:
        hint = hint or "a duration has no space between number and unit, as in 10m"
    word = str(token.value)
    if token.kind is TokenKind.NAME and word.lower() in ("and", "or", "not", "in", "is"):
        hint = hint or f"write {'==' if word.lower() == 'is' else word.lower()}"
    return ExpressionError(token.start, token.end, "unexpected", f"found {_shown(token)}, expected {expected}", hint)
