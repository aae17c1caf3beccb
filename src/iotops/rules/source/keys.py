"""The keys of a rule, and how the value of each is read."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from iotops.rules.language.names import RESERVED
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.rule import Match, Mode, Override, Parameter, Severity
from iotops.rules.source.activetimes import read_active
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.numbers import read_duration, read_parameter
from iotops.rules.source.plain import plain
from iotops.rules.source.steps import read_sequence
from iotops.rules.source.text import FindingLog
from iotops.rules.source.values import read_map, read_text, read_texts, read_word, wrong_value
from iotops.rules.source.written import WrittenTemplate, read_expression, read_template

Reader = Callable[[FindingLog, YamlNode], Any]
"""Returns what a key's value means, or None where it means nothing, which is then logged."""

SEVERITIES: Mapping[str, Severity] = {severity.word: severity for severity in Severity}
_RULE_ID = re.compile(r"[a-z0-9_]{1,100}")
_NAME = re.compile(r"[^\W\d]\w{0,99}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}")
_MAX_SETTLE_MS = 300_000
_MAX_LATENESS_MS = 86_400_000
TEST_KEYS = ("name", "every", "given", "device", "params", "start", "offline", "restart", "shuffle", "expect")
_ELSEWHERE = {  # what other tools, and people in a hurry, call our keys
    "expr": "when", "condition": "when", "trigger": "when", "if": "when",
    "annotations": "summary", "description": "summary", "message": "summary", "title": "summary",
    "name": "alert", "id": "alert", "rule": "alert", "filter": "match", "devices": "match", "where": "match",
    "hold": "for", "duration": "for", "delay": "for", "recovery": "until", "clear": "until", "reset": "until",
    "groups": "rules",
    "alerts": "rules",
    "inhibit": "unless", "group_by": "per", "url": "runbook", "tags": "labels", "threshold": "params",
}  # fmt: skip


def read_keys(log: FindingLog, node: YamlMap, readers: Mapping[str, Reader], what: str) -> dict[str, Any]:
    """Return what the keys of a map mean; unknown keys and values that mean nothing are logged and left out."""
    found: dict[str, Any] = {}
    for key, value in node.entries:
        reader = readers.get(key.text)
        if reader is not None:
            meaning = reader(log, value)
            if meaning is not None:
                found[key.text] = meaning
        elif not key.broken:
            ours = _ELSEWHERE.get(key.text)
            hint = f'did you mean "{ours}"?' if ours in readers else did_you_mean(key.text, readers)
            hint = hint or "known are " + ", ".join(sorted(readers))
            log.error(key.start, key.end, "unknown-key", f'{what} has no key "{_short(key.text)}"', hint)
    return found


def _rule_id(log: FindingLog, node: YamlNode) -> str | None:
    text = read_text(log, node)
    if text == "ingest_down":  # no rule, and so not met as another of this name
        log.error(node.start, node.end, "reserved-name", f'"{text}" is what iotops raises by itself', "write another")
    if text is None or _RULE_ID.fullmatch(text):
        return text
    better = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:100]
    message = f'"{_short(text)}" is no name for a rule: a-z, 0-9 and _, at most 100 characters'
    log.error(node.start, node.end, "bad-rule-name", message, f'write "{better}"' if better else "")
    return None


def _match(log: FindingLog, node: YamlNode) -> Match | None:
    found = read_map(read_texts)(log, node)
    if found is None or not isinstance(node, YamlMap):
        return None
    for key, _ in node.entries:
        label = key.text.removeprefix("device.") if key.text.startswith("device.") else key.text
        if label != key.text:
            message = f'"{key.text}" in a match is the label "{label}"'
            log.error(key.start, key.end, "bad-label", message, f"write {label}")
        elif not _LABEL.fullmatch(label) and not key.broken:
            log.error(
                key.start, key.end, "bad-label", f'"{_short(label)}" is no name of a label', "letters, digits, _ . -"
            )
    return found


def _params(log: FindingLog, node: YamlNode) -> dict[str, Parameter] | None:
    found = read_map(read_parameter)(log, node)
    if found is None or not isinstance(node, YamlMap):
        return None
    for key, _ in node.entries:
        if key.text in RESERVED:
            message = f'"{key.text}" is a word of the language and cannot name a parameter'
            log.error(key.start, key.end, "reserved-name", message, f"write {key.text}_limit, for instance")
        elif not _NAME.fullmatch(key.text) and not key.broken:
            message = f'"{_short(key.text)}" is no name of a parameter'
            log.error(key.start, key.end, "bad-name", message, "a letter, then letters, digits and _")
    return found


def _override(log: FindingLog, node: YamlNode) -> Override | None:
    if not isinstance(node, YamlMap):
        wrong_value(log, node, "a map with match and params")
        return None
    found = read_keys(log, node, OVERRIDE_KEYS, "an override")
    for key in ("match", "params"):
        if node.get(key) is None:
            log.error(
                node.start,
                node.start + 1,
                "missing-key",
                f'this override has no "{key}"',
                "write {match: ..., params: ...}",
            )
    return Override(found.get("match", {}), found.get("params", {}))


def _overrides(log: FindingLog, node: YamlNode) -> tuple[Override, ...] | None:
    if not isinstance(node, YamlList):
        wrong_value(log, node, "a list of {match: ..., params: ...}")
        return None
    return tuple(override for item in node.items if (override := _override(log, item)) is not None)


def _by_severity(read: Reader) -> Reader:
    """Return the reader of either one value (key None), or a map of severities."""

    def read_tiers(log: FindingLog, node: YamlNode) -> Any:
        if not isinstance(node, YamlMap):
            value = read(log, node)
            return None if value is None else {None: value}
        found = read_keys(log, node, dict.fromkeys(SEVERITIES, read), "a map of severities")
        return {SEVERITIES[word]: found[word] for word in SEVERITIES if word in found} or None

    return read_tiers


def _per(log: FindingLog, node: YamlNode) -> tuple[str, ...] | None:
    labels = read_texts(log, node)
    if labels is not None and len(labels) > 1 and {"fleet", "device"} & set(labels):
        log.error(
            node.start, node.end, "bad-value", '"device" and "fleet" stand alone in "per"', "write the labels only"
        )
        return None
    return labels


def _summary(log: FindingLog, node: YamlNode) -> WrittenTemplate | None:
    if read_text(log, node) is None or not isinstance(node, YamlScalar):
        return None
    return read_template(log, node)


def _runbook(log: FindingLog, node: YamlNode) -> str | None:
    text = read_text(log, node)
    if text is not None and not re.fullmatch(r"https?://[^\s/]+\S*", text):
        log.error(node.start, node.end, "bad-url", f'"{_short(text)}" is no address of a page', "write https://...")
    return text


def _mode(log: FindingLog, node: YamlNode) -> Mode | None:
    word = read_word([mode.value for mode in Mode])(log, node)
    return None if word is None else Mode(word)


def _severity(log: FindingLog, node: YamlNode) -> Severity | None:
    word = read_word(list(SEVERITIES))(log, node)
    return None if word is None else SEVERITIES[word]


def _lateness(log: FindingLog, node: YamlNode) -> int | None:
    found = read_duration(log, node)
    if found is not None and found > _MAX_LATENESS_MS:
        message = "a rule waits at most 1d for samples that come late"
        log.error(node.start, node.end, "bad-value", message, "write 1d or less")
    return found


def _settle(log: FindingLog, node: YamlNode) -> int | None:
    found = read_duration(log, node)
    if found is not None and found > _MAX_SETTLE_MS:
        log.error(node.start, node.end, "bad-value", "an incident waits for its cause at most 5m", "write 5m or less")
    return found


def _tests(log: FindingLog, node: YamlNode) -> tuple[Any, ...] | None:
    if not isinstance(node, YamlList):
        wrong_value(log, node, "a list of tests")
        return None
    readers = dict.fromkeys(TEST_KEYS, lambda _, value: value)
    for item in node.items:
        if not isinstance(item, YamlMap):
            wrong_value(log, item, "a test: a map with given and expect")
            continue
        read_keys(log, item, readers, "a test")
        if item.get("expect") is None:
            log.error(
                item.start,
                item.start + 1,
                "missing-key",
                'this test has no "expect"',
                "expect: {} when nothing is raised",
            )
    return tuple(plain(log.source, item) for item in node.items if isinstance(item, YamlMap))


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:40] + "..."


OVERRIDE_KEYS: Mapping[str, Reader] = {"match": _match, "params": _params}
RULE_KEYS: Mapping[str, Reader] = {
    "alert": _rule_id,
    "match": _match,
    "per": _per,
    "params": _params,
    "overrides": _overrides,
    "when": _by_severity(read_expression),
    "sequence": read_sequence,
    "for": _by_severity(read_duration),
    "until": _by_severity(read_expression),
    "keep_firing_for": read_duration,
    "unless": read_expression,
    "active": read_active,
    "severity": _severity,
    "summary": _summary,
    "runbook": _runbook,
    "labels": read_map(read_text),
    "mode": _mode,
    "lateness": _lateness,
    "stale": read_duration,
    "reopen": read_duration,
    "settle": _settle,
    "merge_window": read_duration,
    "tests": _tests,
}
DEFAULT_KEYS: Mapping[str, Reader] = {key: reader for key, reader in RULE_KEYS.items() if key not in ("alert", "tests")}
