"""Indentation by a round trip through YAML that keeps comments, quotes and the author's choice of braces or lines."""

import re
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.resolver import VersionedResolver

from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar

_WIDTH: Final = 1_000_000  # lines are their author's: nothing is folded
_NOTHING = re.compile("")
_COMMENT = re.compile(r"[ \t]*#")


class _Words(VersionedResolver):
    """Takes every plain value for a text, so that `0.50`, `on` and `2026-01-01` come out as they went in."""

    @property
    def versioned_resolver(self) -> Any:
        """Return which plain values are something else than text, by first character: nothing at all is null."""
        return {"": [("tag:yaml.org,2002:null", _NOTHING)]}


def laid_out(text: str) -> str:
    """Return a YAML file with two blanks of indentation for maps, and lists two further in.

    Raises:
        ruamel.yaml.error.YAMLError: it is none.
    """
    yaml = YAML()
    yaml.Resolver = _Words
    yaml.preserve_quotes = True
    yaml.width = _WIDTH
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    found = StringIO()
    yaml.dump(yaml.load(text), found)
    return found.getvalue()


def tidied(text: str, root: YamlNode) -> str:
    """Return the file without blanks at ends of lines and doubled blank lines, comments in line with what follows."""
    lines = text.split("\n")
    kept = _verbatim(text, root)
    for number in range(len(lines) - 1, -1, -1):
        if number in kept:
            continue
        line = lines[number] = lines[number].rstrip()
        if _COMMENT.match(line):
            following = next((later for later in lines[number + 1 :] if later), None)
            if following is not None:
                indent = len(following) - len(following.lstrip())
                lines[number] = " " * indent + line.lstrip()
    found: list[str] = []
    for number, line in enumerate(lines):
        if line or number in kept or (found and found[-1]):
            found.append(line)
    return "\n".join(found).strip("\n") + "\n"


def _verbatim(text: str, root: YamlNode) -> frozenset[int]:
    """Return the lines (from 0) within values of several lines, where blanks may belong to the value."""
    found = set[int]()
    pending = [root]
    while pending:
        node = pending.pop()
        if isinstance(node, YamlMap):
            pending += [value for _, value in node.entries]
        elif isinstance(node, YamlList):
            pending += node.items
        elif isinstance(node, YamlScalar) and "\n" in text[node.start : node.end]:
            first = text.count("\n", 0, node.start)
            found.update(range(first + 1, text.count("\n", 0, node.end) + 1))
    return frozenset(found)
