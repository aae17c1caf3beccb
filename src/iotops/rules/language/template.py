"""Texts with placeholders: `${expression}` and `${expression:format}`.

- `$${` prints `${`; a dollar without a brace is a dollar.
- An expression holds no braces, and outside of quotes and backticks no colon (windows contain none): the placeholder
  ends at the first such `}`, and the format begins behind the first such `:`.
- A format is one of Python's for numbers (`.1f`, `>8.2f`, `+,.0f`, `.0%`) or for texts (`<10`), at most 99 wide.
"""

import re
from typing import NamedTuple

from iotops.errors import ExpressionError

MAX_LENGTH = 2_000
NUMBER_FORMAT = re.compile(r"(?:[^{}]?[<>=^])?[ +-]?z?#?0?([1-9]\d?)?[,_]?(?:\.(\d{1,2}))?[eEfFgG%]?")
TEXT_FORMAT = re.compile(r"(?:[^{}]?[<>^])?([1-9]\d?)?(?:\.(\d{1,2}))?s?")
_STEP = re.compile(r"""[^"'`:}]+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[:}]|["'`]""", re.DOTALL)


class Slot(NamedTuple):
    """A placeholder: `text[start:end]` is its expression, `format_start` where its format begins (0: none)."""

    start: int
    end: int
    format_start: int
    format: str


def split(text: str) -> list[str | Slot]:
    """Return the pieces of a template in order: text to print, and slots to fill.

    Raises:
        ExpressionError: a placeholder that does not end, or a text that is too long.
    """
    if len(text) > MAX_LENGTH:
        message = f"this text has {len(text)} characters, at most {MAX_LENGTH} are allowed"
        raise ExpressionError(MAX_LENGTH, len(text), "too-long", message)
    pieces: list[str | Slot] = []
    literal, at = "", 0
    while (dollar := text.find("${", at)) >= 0:
        if dollar and text[dollar - 1] == "$":
            literal, at = literal + text[at : dollar - 1] + "${", dollar + 2
            continue
        if literal or dollar > at:
            pieces.append(literal + text[at:dollar])
        slot, at = _slot(text, dollar)
        literal = ""
        pieces.append(slot)
    if literal or at < len(text):
        pieces.append(literal + text[at:])
    return pieces


def _slot(text: str, dollar: int) -> tuple[Slot, int]:
    """Return the slot whose `${` stands at `dollar`, and the index behind its `}`."""
    start = at = dollar + 2
    while (step := _STEP.match(text, at)) is not None and step.group() not in (":", "}"):
        at = step.end()
    if at < len(text) and text[at] == "}":
        return Slot(start, at, 0, ""), at + 1
    close = text.find("}", at)
    if at >= len(text) or close < 0:
        raise ExpressionError(
            dollar, dollar + 2, "unclosed", '"${" is never closed', 'add "}", or write $${ for the text itself'
        )
    return Slot(start, at, at + 1, text[at + 1 : close]), close + 1
