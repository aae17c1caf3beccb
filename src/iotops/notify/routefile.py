"""`notify.yaml`, read strictly: every mistake with its line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from iotops.notify.channels import CHANNELS
from iotops.notify.routes import LOG_ONLY, Match, Notify, Quiet, Retry, Route
from iotops.rules.finding import Finding
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.source.beside import load_beside
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose

FILE = "notify.yaml"


def load_notify(directory: Path) -> Notify:
    """Return what `notify.yaml` beside the rule files says; without one everything goes to the log.

    Raises:
        RuleFileError: the file cannot be used; carries every finding.
    """
    return load_beside(directory, FILE, parse_notify, LOG_ONLY)


def parse_notify(name: str, text: str) -> tuple[Notify, tuple[Finding, ...]]:
    """Return what a text says, and what is wrong with it; where anything is, everything goes to the log."""
    log = FindingLog(SourceText(name, text))
    root, found = compose(log), LOG_ONLY
    if not log.findings and root is None:
        log.error(0, 0, "routes-expected", "expected channels and routes")
    elif root is not None and not log.findings:
        try:
            found = Notify.model_validate(_plain(root))
        except ValidationError as error:
            for fault in error.errors(include_input=False, include_url=False):
                place, where = _place(root, fault["loc"]), ".".join(map(str, fault["loc"]))
                said, code = f"{where}: {fault['msg']}", fault["type"].replace("_", "-")
                log.error(place.start, place.end, code, said, _hint(fault["type"], fault["loc"]))  # noqa: TRY400  a finding, no log
    return found, tuple(log.findings)


def _hint(fault: str, loc: Sequence[str | int]) -> str:
    """Return what to write instead, as far as the kind of mistake tells."""
    if fault == "missing":
        return f"add {loc[-1]}"
    if fault == "extra_forbidden":
        known = _known_keys(loc)
        return did_you_mean(str(loc[-1]), known) or f"possible here: {', '.join(known)}"
    return ""


def _known_keys(loc: Sequence[str | int]) -> list[str]:
    """Return the keys that a section may have, by the place of one that it may not."""
    section = Notify.model_fields
    if loc[0] == "retry" and len(loc) > 1:
        section = Retry.model_fields
    elif loc[0] == "routes" and len(loc) > 2:
        inner = {"match": Match.model_fields, "quiet": Quiet.model_fields}
        section = inner.get(str(loc[2]), Route.model_fields) if len(loc) > 3 else Route.model_fields
    elif loc[0] == "channels" and len(loc) > 3:
        section = CHANNELS[str(loc[2])].model_fields
    return list(section)


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
