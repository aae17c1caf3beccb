"""One rule file: its defaults, its metrics and its rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iotops.rules.source.catalogue import Declaration, read_catalogue
from iotops.rules.source.drafts import Draft, read_draft
from iotops.rules.source.keys import DEFAULT_KEYS, Reader, read_keys
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose
from iotops.rules.source.values import read_word, wrong_value

MAX_CHARACTERS = 400_000  # some 1 500 rules; read in under a second


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What one file says; `rules_key`: the key `rules`, where it is written."""

    log: FindingLog
    drafts: tuple[Draft, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    rules_key: YamlScalar | None = None


def read_file(name: str, text: str) -> RuleFile:
    """Return what a file says; what it says wrongly is in the log."""
    log = FindingLog(SourceText(name, text[:MAX_CHARACTERS].removeprefix("\ufeff")))
    if len(text) > MAX_CHARACTERS:
        message = f"the file has {len(text)} characters, at most {MAX_CHARACTERS} are read"
        log.error(0, 1, "file-too-large", message, "split it")
        return RuleFile(log)
    root = compose(log)
    if isinstance(root, YamlMap):
        return _read(log, root)
    if root is not None and not (isinstance(root, YamlScalar) and not root.text):
        wrong_value(log, root, "a map with rules:")
    return RuleFile(log)


def _read(log: FindingLog, root: YamlMap) -> RuleFile:
    found = read_keys(log, root, FILE_KEYS, "a rule file")
    declarations: tuple[Declaration, ...] = found.get("metrics", ())
    defaults: Mapping[str, Any] = found.get("defaults", {})
    closed = found.get("closed") == "true"
    drafts = (
        read_draft(log, node, defaults, closed=closed, declares=bool(declarations)) for node in found.get("rules", ())
    )
    key = next((key for key, _ in root.entries if key.text == "rules"), None)
    return RuleFile(log, tuple(draft for draft in drafts if draft is not None), declarations, key)


def _defaults(log: FindingLog, node: YamlNode) -> Mapping[str, Any] | None:
    if not isinstance(node, YamlMap):
        wrong_value(log, node, "a map with keys of rules")
        return None
    return read_keys(log, node, DEFAULT_KEYS, "defaults")


def _rules(log: FindingLog, node: YamlNode) -> tuple[YamlMap, ...] | None:
    if isinstance(node, YamlScalar) and not node.text:
        return ()
    if not isinstance(node, YamlList):
        wrong_value(log, node, "a list of rules, - alert: ...")
        return None
    for item in node.items:
        if not isinstance(item, YamlMap):
            wrong_value(log, item, "a rule: a map with alert and when")
    return tuple(item for item in node.items if isinstance(item, YamlMap) and item.entries)


FILE_KEYS: Mapping[str, Reader] = {
    "defaults": _defaults,
    "metrics": read_catalogue,
    "closed": read_word(("true", "false")),
    "rules": _rules,
}
