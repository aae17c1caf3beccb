"""`notify.yaml`, read strictly: every mistake with its line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from iotops.errors import ConfigurationError
from iotops.notify.routes import LOG_ONLY, Notify
from iotops.rules.source.directory import read_sources
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose

FILE = "notify.yaml"


def load_notify(directory: Path) -> Notify:
    """Return what `notify.yaml` beside the rule files says; without one everything goes to the log.

    Raises:
        ConfigurationError: the file cannot be used; names every mistake and its line.
    """
    file = directory / FILE
    if not file.exists():
        return LOG_ONLY
    sources, unread = read_sources(file)
    if unread:
        raise ConfigurationError("\n".join(map(str, unread)))
    ((name, text),) = sources.items()
    return parse_notify(name, text)


def parse_notify(name: str, text: str) -> Notify:
    """Return what a text says.

    Raises:
        ConfigurationError: as `load_notify`.
    """
    log = FindingLog(SourceText(name, text))
    root = compose(log)
    if log.findings or root is None:
        raise ConfigurationError("\n".join(map(str, log.findings)) or f"{name}: expected channels and routes")
    try:
        return Notify.model_validate(_plain(root))
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            place = _place(root, fault["loc"])
            where = ".".join(map(str, fault["loc"]))
            log.error(place.start, place.end, fault["type"].replace("_", "-"), f"{where}: {fault['msg']}")  # noqa: TRY400  a finding, no log
        raise ConfigurationError("\n".join(map(str, log.findings))) from None


def _plain(node: YamlNode) -> Any:
    if isinstance(node, YamlMap):
        return {key.text: _plain(value) for key, value in node.entries}
    if isinstance(node, YamlList):
        return [_plain(item) for item in node.items]
    return None if not node.style and node.text in ("", "~", "null") else node.text


def _place(root: YamlNode, loc: Sequence[str | int]) -> YamlNode:
    """Return the node that a mistake is about, or the nearest around it."""
    node = root
    for part in loc:
        found: YamlNode | None = None
        if isinstance(node, YamlMap):
            found = node.get(str(part))
        elif isinstance(node, YamlList) and isinstance(part, int) and part < len(node.items):
            found = node.items[part]
        if found is None:
            continue  # pydantic also names the kind of a union, which is nothing of the file
        node = found
    if isinstance(node, YamlScalar):
        return node
    return next((key for key, _ in node.entries), node) if isinstance(node, YamlMap) else node
