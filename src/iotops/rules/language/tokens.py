"""Cut the text of an expression into tokens, each with its place."""

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from iotops.durations import UNITS_MS, parse_duration
from iotops.errors import ExpressionError
from iotops.telemetry.reading import Value

MAX_DURATION_MS = 3_660 * 86_400_000  # ten years; anything longer is a slip of the pen and would not fit everywhere
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
    "<>": "!=",
    "&": "and",
    "|": "or",
    "!": "not",
    "=": "==",
    "°": "the number alone; units stand in the metrics catalogue",
    "$": "the name alone; ${...} is for texts",
    "{": "the name alone; ${...} is for texts",
    "^": "x * x",
}
_LONGER_UNITS = {
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "day": "d", "days": "d", "week": "w", "weeks": "w",
}  # fmt: skip


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


def duration_ms(text: str) -> int:
    """Return the milliseconds of a duration of at most ten years.

    Raises:
        ValueError: not a duration, or a longer one.
    """
    try:
        found = parse_duration(text)
    except OverflowError:
        found = MAX_DURATION_MS + 1
    if found > MAX_DURATION_MS:
        shown = text if len(text) <= 20 else text[:20] + "..."
        msg = f"{shown} is longer than ten years; write a shorter duration"
        raise ValueError(msg)
    return found


def duration_hint(text: str) -> str:
    """Return what to write instead of a text that was meant as a duration."""
    number, unit = re.fullmatch(r"\s*([\d.]*)\s*(.*?)\s*", text, re.DOTALL).groups()  # type: ignore[union-attr]
    if number and not unit:
        return f"give it a unit: {number}s or {number}m"
    shorter = _LONGER_UNITS.get(unit.lower()) or (unit.lower() if unit.lower() in UNITS_MS else None)
    return f'did you mean "{number}{shorter}"?' if number and shorter else "units are ms s m h d w, as in 90s or 1h30m"


def is_unit(word: str) -> bool:
    """Tell whether people write a unit of time like this."""
    return word in UNITS_MS or word.lower() in _LONGER_UNITS


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
