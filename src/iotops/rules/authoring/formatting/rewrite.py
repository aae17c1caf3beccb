"""Write a file's values anew where they stand: keys in order, expressions spaced, quotes where they are needed."""

import re
from typing import NamedTuple

import yaml

from iotops.errors import ExpressionError
from iotops.rules.authoring.formatting.order import FILE, Form
from iotops.rules.language.spacing import spaced
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.plain import plain
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose

_BLANK_LINES = re.compile(r"(?m)^[ \t]*\n")
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]+")


def rewritten(text: str, root: YamlNode, form: Form) -> str:
    """Return the file with everything between its values as it was; comments above a key move with it.

    A file with anchors comes back as it is: what an alias stands for must stay above it.
    """
    if _has_anchors(text):
        return text
    return text[: root.start] + _Rewriter(text).of(root, form, flow=False) + text[_end(text, root) :]


class _Entry(NamedTuple):
    """A key with its value: the lines above that belong to it, and its own text."""

    key: str
    lead: str
    body: str


class _Rewriter:
    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, node: YamlNode, form: Form, *, flow: bool) -> str:
        flow = flow or self._is_flow(node)
        if isinstance(node, YamlScalar):
            return self._scalar(node, form, flow=flow)
        if isinstance(node, YamlList):
            return self._joined(
                node.start, _end(self._text, node), [(item, form.of("*")) for item in node.items], flow=flow
            )
        if form.order and self._is_movable(node, flow=flow):
            return self._ordered(node, form, flow=flow)
        values = [(value, form.of(key.text)) for key, value in node.entries]
        return self._joined(node.start, _end(self._text, node), values, flow=flow)

    def _is_flow(self, node: YamlNode) -> bool:
        return not isinstance(node, YamlScalar) and self._text[node.start] in "{["

    def _joined(self, start: int, end: int, nodes: list[tuple[YamlNode, Form]], *, flow: bool) -> str:
        found, at = "", start
        for node, form in nodes:
            found += self._text[at : node.start] + self.of(node, form, flow=flow)
            at = max(node.start, _end(self._text, node))
        return found + self._text[at:end]

    def _is_movable(self, node: YamlMap, *, flow: bool) -> bool:
        """Tell whether the entries can change places: each on lines of its own, or all on one line."""
        span = self._text[node.start : _end(self._text, node)]
        if flow:
            return "\n" not in span and "#" not in span
        starts = [key.start for key, _ in node.entries[1:]]
        return all(not self._text[self._text.rfind("\n", 0, start) + 1 : start].strip() for start in starts)

    def _ordered(self, node: YamlMap, form: Form, *, flow: bool) -> str:
        places = {key: place for place, key in enumerate(form.order)}
        entries = sorted(self._entries(node, form, flow=flow), key=lambda entry: places.get(entry.key, len(places)))
        if flow:
            return "{" + ", ".join(entry.body for entry in entries) + "}"
        indent = " " * (node.start - self._text.rfind("\n", 0, node.start) - 1)
        # A comment above the key that comes first now has no place before it, behind the dash of a list.
        leads = [entries[0].lead + entries[1].lead, *(entry.lead for entry in entries[2:])] if entries[1:] else []
        others = zip(leads, entries[1:], strict=True)
        return entries[0].body + "".join(f"\n{lead}{indent}{entry.body}" for lead, entry in others)

    def _entries(self, node: YamlMap, form: Form, *, flow: bool) -> list[_Entry]:
        found: list[_Entry] = []
        before_end = node.start
        for key, value in node.entries:
            end = max(key.end, _end(self._text, value))
            line_end = end if flow else _line_end(self._text, end)
            lead = ""
            if found and not flow:
                above, line, _ = self._text[before_end + 1 : key.start].rpartition("\n")
                lead = above + line if form is FILE else _BLANK_LINES.sub("", above + line)
            written = self.of(value, form.of(key.text), flow=flow)
            body = self._text[key.start : value.start] + written + self._text[end:line_end]
            found.append(_Entry(key.text, lead, body))
            before_end = line_end
        return found

    def _scalar(self, node: YamlScalar, form: Form, *, flow: bool) -> str:
        written = self._text[node.start : _end(self._text, node)]
        if node.style in ("|", ">") or "\n" in written:
            return written
        text = node.text
        if form.expression:
            try:
                text = spaced(text)
            except ExpressionError:
                return written
        if not node.style:
            return text if form.expression and _reads_as(text, text, flow=flow) else written
        return _quoted(text, flow=flow) or written


def _quoted(text: str, *, flow: bool) -> str:
    """Return a text plain where YAML reads it as this text, else in quotes; empty where neither says it."""
    simple = '"' not in text and "\\" not in text
    for written in (text, f'"{text}"' if simple else "", "'" + text.replace("'", "''") + "'"):
        if written and _PRINTABLE.fullmatch(written) and _reads_as(written, text, flow=flow):
            return written
    return ""


def _reads_as(written: str, text: str, *, flow: bool) -> bool:
    """Tell whether YAML, and those who look at it, take what is written for this text and nothing else."""
    log = FindingLog(SourceText("", f"{{a: {written}, b: c}}" if flow else f"a: {written}\nb: c\n"))
    root = compose(log)
    if log.findings or not isinstance(root, YamlMap) or len(root.entries) != 2:
        return False
    value = root.entries[0][1]
    return isinstance(value, YamlScalar) and value.text == text and plain(log.source, value) == text


def _has_anchors(text: str) -> bool:
    return "&" in text and any(getattr(event, "anchor", None) for event in yaml.parse(text, Loader=yaml.SafeLoader))


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def _end(text: str, node: YamlNode) -> int:
    """Return where what is written of a node ends, for blocks with the comment on their last line.

    YAML itself lets a block end only where the next thing begins.
    """
    if isinstance(node, YamlScalar):
        return node.start + len(text[node.start : node.end].rstrip())
    if text[node.start] in "{[":
        return node.end
    if isinstance(node, YamlList):
        return _line_end(text, _end(text, node.items[-1])) if node.items else node.end
    if not node.entries:
        return node.end
    key, value = node.entries[-1]
    return _line_end(text, max(key.end, _end(text, value)))
