"""The blanks of an expression, as everybody writes them: around operators, behind commas, nowhere else."""

from iotops.errors import ExpressionError
from iotops.rules.language.parser import parse
from iotops.rules.language.tokens import Token, TokenKind, tokens
from iotops.rules.language.walk import shape

_OPENING = frozenset({"(", "["})
_CLOSING = frozenset({")", "]"})
_NAMES = frozenset({TokenKind.NAME, TokenKind.QUOTED})


def spaced(text: str) -> str:
    """Return an expression with canonical blanks, on one line; numbers, texts and brackets stay as they are written.

    Raises:
        ExpressionError: it is none.
    """
    written = [token for token in tokens(text) if token.kind is not TokenKind.END]
    found = ""
    before: Token | None = None
    tight = False  # the token before binds to the next without a blank: an opening bracket, a sign, a dot
    for token in written:
        if before is not None and not tight and not _binds(before, token):
            found += " "
        found += text[token.start : token.end]
        tight = token.value in _OPENING | {"."} if token.kind is TokenKind.SYMBOL else False
        if token.kind is TokenKind.SYMBOL and token.value == "-" and _begins_value(before):
            tight = True
        before = token
    if shape(parse(found).root) != shape(parse(text).root):
        raise ExpressionError(0, len(text), "unstable", "the expression would mean something else", "report this")
    return found


def _binds(before: Token, token: Token) -> bool:
    """Tell whether a token stands directly behind the one before."""
    if token.kind is not TokenKind.SYMBOL:
        return False
    if token.value in _CLOSING or token.value in {",", "."}:
        return True
    return token.value in _OPENING and before.kind in _NAMES


def _begins_value(before: Token | None) -> bool:
    """Tell whether a value begins behind this token, so that a minus is a sign."""
    if before is None or before.kind is TokenKind.KEYWORD:
        return before is None or before.value not in {"true", "false"}
    return before.kind is TokenKind.SYMBOL and before.value not in _CLOSING
