"""Where each character of a YAML value stands in the file, for every way of writing values."""

import re
from collections.abc import Sequence

from iotops.rules.source.nodes import YamlScalar

_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|(?:\r\n|\n|\r)|.)", re.DOTALL)
_BLANK = " \t\r\n\x85\u2028\u2029"


def offsets(text: str, node: YamlScalar) -> Sequence[int]:
    """Return for each character of `node.text`, and for its end, its index in the file's `text`.

    Plain and quoted values are folded by YAML (a line end becomes a blank), quotes and backslashes are escaped:
    the characters that are not blank are found again in order, blanks lie in between.
    """
    start, end = node.start, min(node.end, len(text))
    if not node.style and text[start:end] == node.text:
        return range(start, end + 1)
    if node.style in ("|", ">"):
        line_end = text.find("\n", start, end)
        start = end if line_end < 0 else line_end + 1
    elif node.style:
        start, end = start + 1, end - 1
    return _aligned(text, start, end, node)


def _aligned(text: str, at: int, end: int, node: YamlScalar) -> list[int]:
    found: list[int] = []
    for character in node.text:
        escape = _ESCAPE.match(text, at, end) if node.style == '"' else None
        if character not in _BLANK or (escape is not None and not _is_line_end(escape)):
            at, width = _next_solid(text, at, end, node.style)
        else:
            width = 1 if at < end and text[at] in _BLANK else 0
        found.append(min(at, end))
        at += width
    found.append(min(at, end))
    return found


def _next_solid(text: str, at: int, end: int, style: str) -> tuple[int, int]:
    """Return the index of the next character that is not folded away, and how many characters write it."""
    while at < end:
        escape = _ESCAPE.match(text, at, end) if style == '"' else None
        if escape is not None and _is_line_end(escape):
            at = escape.end()
        elif escape is not None:
            return at, escape.end() - at
        elif text[at] in _BLANK:
            at += 1
        else:
            return at, 2 if style == "'" and text.startswith("''", at) else 1
    return end, 0


def _is_line_end(escape: re.Match[str]) -> bool:
    return escape.group()[1] in "\r\n"
