"""Read YAML values as what a key wants; a value that does not fit is logged, and answered with None."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from iotops.rules.language.suggest import did_you_mean
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog

_T = TypeVar("_T")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


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
