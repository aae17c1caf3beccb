"""Compose YAML into a tree that knows where everything stands, and refuse what rule files must not use."""

from dataclasses import dataclass, field
from typing import Any

import yaml

from iotops.rules.source.nodes import BROKEN, YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog
from iotops.rules.source.traps import key_trap, repair, scalar_trap, stray_character, tag_trap

MAX_DEPTH = 20  # a device's series in a test of a rule stands 9 deep
MAX_NODES = 200_000
MAX_ALIASES = 10  # tolerated for anchors of a few shared values; more is a macro language
MAX_REPAIRS = 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def compose(log: FindingLog) -> YamlNode | None:
    """Return the tree of the log's file; None where it is empty, or beyond repair (which is logged).

    A line that YAML itself cannot read is logged and blanked out, so that the rest of the file is still checked;
    what stood there becomes a scalar that is `broken`.
    """
    text = log.source.text
    if stray_character(log):
        return None
    for _ in range(MAX_REPAIRS):
        attempt = FindingLog(log.source)
        try:
            root = _Composer(attempt).tree(text)
        except yaml.YAMLError as error:
            repaired = repair(log, text, error)
            if repaired is None:
                return None
            text = repaired
        else:
            log.findings.extend(attempt.findings)
            return root
    return None


class _StopError(Exception):
    """The file is beyond a limit; what was found so far is logged."""


@dataclass(slots=True)
class _Open:
    """A list or map whose end has not been reached."""

    start: int
    is_map: bool
    anchor: str | None
    items: list[YamlNode] = field(default_factory=list)
    entries: dict[str, tuple[YamlScalar, YamlNode]] = field(default_factory=dict)
    key: YamlScalar | None = None
    broken: bool = False


class _Composer:
    """Turns YAML events into nodes; keeps its own stack, so that depth is a number and not a crash."""

    def __init__(self, log: FindingLog) -> None:
        self._log = log
        self._stack: list[_Open] = []
        self._anchors: dict[str, YamlNode] = {}
        self._root: YamlNode | None = None
        self._nodes = 0
        self._aliases = 0
        self._documents = 0

    def tree(self, text: str) -> YamlNode | None:
        """Return the root node.

        Raises:
            yaml.YAMLError: the text is not YAML.
        """
        try:
            for event in yaml.parse(text, Loader=_LOADER):
                self._take(event)
        except _StopError:
            return None
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(_index(event.end_mark))
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def _document(self, event: yaml.Event) -> None:
        self._documents += 1
        if self._documents > 1:
            start = _index(event.start_mark)
            self._stop(
                start, "yaml-documents", "a second document starts here", "write one document a file, without ---"
            )

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        start, end = _index(event.start_mark), _index(event.end_mark)
        style = event.style or ""
        node = YamlScalar(start, end, event.value, "" if style == ":" else style)
        if event.tag is not None:
            tag_trap(self._log, node, event.tag)
            node = YamlScalar(start, end, BROKEN)
        self._count(start)
        self._attach(node, event.anchor)

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        start = _index(event.start_mark)
        if event.tag is not None:
            tag_trap(self._log, YamlScalar(start, _index(event.end_mark), ""), event.tag)
        if len(self._stack) >= MAX_DEPTH:
            self._stop(
                start, "yaml-depth", f"nested deeper than {MAX_DEPTH} levels", "rules need no more than half of that"
            )
        self._count(start)
        self._stack.append(_Open(start, isinstance(event, yaml.MappingStartEvent), event.anchor))
        self._stack[-1].broken = event.tag is not None

    def _close(self, end: int) -> None:
        done = self._stack.pop()
        if done.broken:
            self._attach(YamlScalar(done.start, end, BROKEN), done.anchor)
        elif done.is_map:
            self._attach(YamlMap(done.start, end, tuple(done.entries.values())), done.anchor)
        else:
            self._attach(YamlList(done.start, end, tuple(done.items)), done.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        start, end = _index(event.start_mark), _index(event.end_mark)
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            message = f"more than {MAX_ALIASES} aliases in one file"
            self._stop(start, "yaml-aliases", message, "share values by `defaults` and `params`")
        node = self._anchors.get(str(event.anchor))
        if node is None:
            message = f'"*" at the start of a value makes it a YAML alias, and no anchor is named "{event.anchor}"'
            self._log.error(start, end, "yaml-alias", message, "put the whole value in quotes")
            node = YamlScalar(start, end, BROKEN)
        self._attach(node, None)

    def _attach(self, node: YamlNode, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
        elif not self._stack[-1].is_map:
            self._stack[-1].items.append(self._checked(node))
        elif self._stack[-1].key is None:
            self._stack[-1].key = key_trap(self._log, node)
            self._stack[-1].broken |= not isinstance(node, YamlScalar)
        else:
            self._entry(self._stack[-1], node)

    def _checked(self, node: YamlNode) -> YamlNode:
        if isinstance(node, YamlScalar) and not node.style and not node.broken and scalar_trap(self._log, node):
            return YamlScalar(node.start, node.end, BROKEN)
        return node

    def _entry(self, parent: _Open, node: YamlNode) -> None:
        key, parent.key = parent.key, None
        if key is None or key.broken:
            return
        if key.text != "mode":  # `mode: off` is one of ours, and this loader reads words, not truth values
            node = self._checked(node)
        first = parent.entries.get(key.text)
        if first is None:
            parent.entries[key.text] = (key, node)
            return
        line = self._log.source.position(first[0].start).line
        message = f'"{key.text}" stands here twice, first in line {line}; YAML would keep only the last'
        self._log.error(key.start, key.end, "yaml-duplicate-key", message, "remove one of them")

    def _count(self, start: int) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self._stop(start, "yaml-nodes", f"more than {MAX_NODES} values in one file", "split the file")

    def _stop(self, start: int, code: str, message: str, hint: str) -> None:
        self._log.error(start, start + 1, code, message, hint)
        raise _StopError


def _index(mark: Any) -> int:
    """Return a mark's index; libyaml's marks and PyYAML's own are of unrelated types."""
    return int(mark.index)
