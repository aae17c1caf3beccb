"""YAML trees as plain Python values, for the parts of a file that other rooms read (tests of rules)."""

import re
from typing import Any

from iotops.rules.rule import Position
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import SourceText

_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,17})")
_FLOAT = re.compile(r"[-+]?(?:\d{1,300}\.\d{0,300}|\.\d{1,300})(?:[eE][-+]\d{1,2})?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


class Entries(dict[str, Any]):
    """A map of a rule file: a dict that knows where it stands, and each of its values."""

    def __init__(self, values: dict[str, Any], position: Position, positions: dict[str, Position]) -> None:
        super().__init__(values)
        self.position = position
        self.positions = positions


def plain(source: SourceText, node: YamlNode) -> Any:
    """Return the value of a tree: `Entries`, lists, numbers, truth values, None and texts; times stay texts."""
    if isinstance(node, YamlMap):
        values = {key.text: plain(source, value) for key, value in node.entries}
        positions = {key.text: source.position(value.start) for key, value in node.entries}
        return Entries(values, source.position(node.start), positions)
    if isinstance(node, YamlList):
        return [plain(source, item) for item in node.items]
    return _scalar(node)


def _scalar(node: YamlScalar) -> Any:
    if node.style:
        return node.text
    if node.text in _WORDS:
        return _WORDS[node.text]
    if _INTEGER.fullmatch(node.text):
        return int(node.text)
    return float(node.text) if _FLOAT.fullmatch(node.text) else node.text
