"""Read YAML values as what a key wants; a value that does not fit is logged, and answered with None."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.tokens import duration_hint, duration_ms
from iotops.rules.rule import Parameter
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog

_T = TypeVar("_T")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]\d+)?")
_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d*)?[eE]\d+|[-+]?\d+[eE][-+]\d+")  # text to YAML 1.1, which wants 1.0e+3
_DURATION_LIKE = re.compile(r"\s*\d[\d.]*\s*[^\W\d]+.*")


def read_text(log: FindingLog, node: YamlNode) -> str | None:
    """Return a text that is not empty."""
    if not isinstance(node, YamlScalar):
        wrong_value(log, node, "a text")
        return None
    if node.broken:
        return None
    if not node.style and node.text in _NULLS:
        wrong_value(log, node, "a text")
        return None
    return node.text


def read_duration(log: FindingLog, node: YamlNode) -> int | None:
    """Return milliseconds; a plain 0 needs no unit."""
    text = node.text if isinstance(node, YamlScalar) else ""
    if isinstance(node, YamlScalar) and node.broken:
        return None
    if text == "0":
        return 0
    try:
        return duration_ms(text)
    except ValueError as error:
        hint = "write less than ten years" if "longer than" in str(error) else duration_hint(text[:40])
        wrong_value(log, node, "a duration", hint)
        return None


def read_number(log: FindingLog, node: YamlNode, expected: str = "a number") -> float | int | None:
    """Return a finite number; integers stay integers."""
    if isinstance(node, YamlScalar) and node.broken:
        return None
    text = node.text if isinstance(node, YamlScalar) and not node.style else ""
    if _EXPONENT.fullmatch(text):
        message = f"YAML reads {text} as text, not as a number"
        log.error(node.start, node.end, "yaml-exponent", message, f"write {float(text):.15g}" if len(text) < 20 else "")
        return None
    if not _NUMBER.fullmatch(text):
        wrong_value(log, node, expected)
        return None
    if len(text) > 300 or float(text) in (float("inf"), float("-inf")):
        log.error(node.start, node.end, "number-too-large", "this number is too large", "at most 1e308")
        return None
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)


def read_parameter(log: FindingLog, node: YamlNode) -> Parameter | None:
    """Return a named number or duration."""
    text = node.text if isinstance(node, YamlScalar) else ""
    if _DURATION_LIKE.fullmatch(text) and not _EXPONENT.fullmatch(text) and not _NUMBER.fullmatch(text):
        ms = read_duration(log, node)
        return None if ms is None else Parameter(ms=ms)
    number = read_number(log, node, "a number or a duration")
    return None if number is None else Parameter(number=number)


def read_word(words: Sequence[str]) -> Callable[[FindingLog, YamlNode], str | None]:
    """Return the reader of a value that is one of `words`."""

    def read(log: FindingLog, node: YamlNode) -> str | None:
        text = node.text if isinstance(node, YamlScalar) else ""
        if text in words:
            return text
        if not (isinstance(node, YamlScalar) and node.broken):
            wrong_value(log, node, "one of " + ", ".join(words), did_you_mean(text, words))
        return None

    return read


def read_texts(log: FindingLog, node: YamlNode) -> tuple[str, ...] | None:
    """Return one text, or the texts of a list, at least one."""
    if isinstance(node, YamlList):
        if not node.items:
            wrong_value(log, node, "at least one value")
            return None
        return tuple(text for item in node.items if (text := read_text(log, item)) is not None)
    text = read_text(log, node)
    return None if text is None else (text,)


def read_map(
    read: Callable[[FindingLog, YamlNode], _T | None],
) -> Callable[[FindingLog, YamlNode], dict[str, _T] | None]:
    """Return the reader of a map whose values are read by `read`; values that do not fit are left out."""

    def read_all(log: FindingLog, node: YamlNode) -> dict[str, _T] | None:
        if not isinstance(node, YamlMap):
            if not (isinstance(node, YamlScalar) and node.broken):
                wrong_value(log, node, "a map, key: value")
            return None
        read_values = ((key.text, read(log, value)) for key, value in node.entries)
        return {key: value for key, value in read_values if value is not None}

    return read_all


def wrong_value(log: FindingLog, node: YamlNode, expected: str, hint: str = "") -> None:
    """Log that a value is not what was expected."""
    if isinstance(node, YamlScalar) and node.broken:
        return
    if isinstance(node, YamlScalar):
        shown = node.text if len(node.text) <= 40 else node.text[:40] + "..."
        found = f'"{shown}"' if shown and (node.style or shown not in _NULLS) else "nothing"
    else:
        found = "a list" if isinstance(node, YamlList) else "a map"
    log.error(node.start, max(node.end, node.start + 1), "bad-value", f"expected {expected}, found {found}", hint)
