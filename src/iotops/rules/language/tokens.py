"""Cut the text of an expression into tokens, each with its place."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from iotops.errors import ExpressionError
from iotops.rules.language.timewords import duration_hint, duration_ms
from iotops.telemetry.reading import Value

KEYWORDS = frozenset({"and", "or", "not", "in", "true", "false"})


class TokenKind(Enum):
    """What a token is; the values are what error messages call it."""

    NUMBER = "a number"
    DURATION = "a duration"
    TEXT = "a text"
    NAME = "a name"
    QUOTED = "a name in backticks"
    KEYWORD = "a word"
    SYMBOL = "a symbol"
    END = "the end"


class Token(NamedTuple):
    """One token: `text[start:end]` of the expression; `value` is its meaning (a duration's in milliseconds)."""

    kind: TokenKind
    start: int
    end: int
    value: Value


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?P<unit>\w*(?:\.\d+[^\W\d]\w*)*))
  | (?P<name>[^\W\d]\w*)
  | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
  | (?P<quoted>`[^`]*`)
  | (?P<symbol><=|>=|==|!=|[-+*/%<>()\[\],.])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"\\": "\\", '"': '"', "'": "'", "n": "\n", "t": "\t"}
_FOREIGN = {  # how other languages write it -> how it is written here
    "&&": "and",
    "||": "or",
    "=~": "==",
    "=>": ">=",
    "=<": "<=",
    "&": "and",
    "|": "or",
    "!": "not",
    "=": "==",
    "°": "the number alone; units stand in the metrics catalogue",
    "$": "the name alone; ${...} is for texts",
    "{": "the name alone; ${...} is for texts",
    "^": "x * x",
}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`, the last one of kind END and zero length.

    Raises:
        ExpressionError: a character, number, duration or text that the language does not have.
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _stray(text, at)
        at = found.end()
        if found.lastgroup != "space":
            yield _token(found)
    yield Token(TokenKind.END, len(text), len(text), "")


def _token(found: re.Match[str]) -> Token:
    start, end, whole = found.start(), found.end(), found.group()
    if found["number"] is not None:
        return _duration(found) if found["unit"] else Token(TokenKind.NUMBER, start, end, _number(start, whole))
    if found["name"] is not None:
        return Token(TokenKind.KEYWORD if whole in KEYWORDS else TokenKind.NAME, start, end, whole)
    if found["text"] is not None:
        return Token(TokenKind.TEXT, start, end, _unescape(start, whole))
    if found["quoted"] is not None:
        if not whole[1:-1].strip():
            raise ExpressionError(start, end, "empty-name", "backticks with no name in between", "write `the metric`")
        return Token(TokenKind.QUOTED, start, end, whole[1:-1])
    return Token(TokenKind.SYMBOL, start, end, whole)


def _number(start: int, whole: str) -> float | int:
    if whole.isascii() and whole.isdigit() and len(whole) <= 300:
        return int(whole)
    value = float(whole)
    if value == float("inf"):
        raise ExpressionError(
            start, start + len(whole), "number-too-large", "this number is too large", "at most 1e308"
        )
    return value


def _duration(found: re.Match[str]) -> Token:
    start, end, whole = found.start(), found.end(), found.group()
    try:
        return Token(TokenKind.DURATION, start, end, duration_ms(whole))
    except ValueError as error:
        if "longer than" in str(error):
            raise ExpressionError(start, end, "duration-too-long", "longer than ten years", "write less") from error
        message = f'"{whole}" is neither a number nor a duration'
        raise ExpressionError(start, end, "bad-duration", message, duration_hint(whole)) from error


def _unescape(start: int, whole: str) -> str:
    inner = whole[1:-1]
    if "\\" not in inner:
        return inner
    for found in re.finditer(r"\\(.)", inner, re.DOTALL):
        if found[1] not in _ESCAPES:
            at = start + 1 + found.start()
            raise ExpressionError(at, at + 2, "bad-escape", f"{found[0]} is no escape", r"""known are \\ \" \' \n \t""")
    return re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], inner, flags=re.DOTALL)


def _stray(text: str, at: int) -> ExpressionError:
    character = text[at]
    if character in "\"'`":
        what = "name in backticks" if character == "`" else "text"
        return ExpressionError(
            at, len(text), "unclosed-text", f"this {what} does not end", f"close it with {character}"
        )
    for foreign, ours in _FOREIGN.items():
        if text.startswith(foreign, at):
            return ExpressionError(
                at, at + len(foreign), "bad-symbol", f'"{foreign}" is not part of the language', f"write {ours}"
            )
    if character == ":":
        return ExpressionError(at, at + 1, "bad-symbol", '":" has no place in an expression', "text needs quotes")
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    return ExpressionError(
        at, at + 1, "bad-symbol", f'"{shown}" is not part of the language', "names like that stand in backticks"
    )
