"""Findings about keys whose values can be read and can hardly be meant: twice the same, never used, never matched."""

import re
from collections.abc import Iterable, Mapping

from iotops.durations import format_duration
from iotops.rules.language.usage import paths_in
from iotops.rules.rule import Match, MetricSpec
from iotops.rules.source.drafts import Draft
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.scalars import offsets

_BRACES = re.compile(r"(?<!\$)(?P<open>\{\{?|\$)\s*(?P<name>[A-Za-z_][\w.]*)")
_LABELS = ("site", "device", "name")


def check_slips(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log what is written twice, matches nothing, or looks like a placeholder and is none."""
    _check_twice(draft, draft.value("per"))
    match = draft.value("match")
    for _, value in match.entries if isinstance(match, YamlMap) else ():
        _check_twice(draft, value)
        _check_empty(draft, value)
    _check_overrides(draft)
    _check_stale(draft, catalogue)
    _check_steps(draft)
    _check_placeholders(draft, catalogue)


def _check_twice(draft: Draft, node: YamlNode | None) -> None:
    seen: set[str] = set()
    for item in node.items if isinstance(node, YamlList) else ():
        if isinstance(item, YamlScalar):
            if item.text in seen:
                _warn(draft, item, "same-twice", f'"{item.text}" stands in the list before', "remove it")
            seen.add(item.text)


def _check_empty(draft: Draft, node: YamlNode) -> None:
    for item in node.items if isinstance(node, YamlList) else (node,):
        if isinstance(item, YamlScalar) and not item.text.strip() and not item.broken:
            message = "no device has an empty label"
            draft.log.error(item.start, item.end, "never-matches", message, 'write a value, or "*" for any')


def _check_overrides(draft: Draft) -> None:
    """Log overrides for devices that the rule does not match, and those that a later one always replaces."""
    node = draft.value("overrides")
    written = node.items if isinstance(node, YamlList) else ()
    overrides = draft.found.get("overrides", ())
    if len(written) != len(overrides):
        return
    for place, (item, override) in enumerate(zip(written, overrides, strict=True)):
        if not isinstance(item, YamlMap):
            continue
        others = [label for label, accepted in override.match.items() if _apart(draft, label, accepted)]
        if others:
            message = f'the rule matches no device with this "{others[0]}"'
            _warn(draft, item.get("match") or item, "never-matches", message, "match devices of the rule")
        later = overrides[place + 1 :]
        if any(_covers(each.match, override.match) and set(override.params) <= set(each.params) for each in later):
            _warn(draft, item, "override-hidden", "a later override always takes its place", "put the wider one first")


def _apart(draft: Draft, label: str, accepted: Iterable[str]) -> bool:
    """Tell whether a label has no value that both the rule and an override accept; globs may fit anything."""
    wanted: Match = draft.found.get("match", {})
    values, others = set(wanted.get(label, ())), set(accepted)
    return bool(values) and not values & others and not any("*" in each or "?" in each for each in values | others)


def _covers(wide: Match, narrow: Match) -> bool:
    return all(label in narrow and set(narrow[label]) <= set(accepted) for label, accepted in wide.items())


def _check_stale(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    node, stale_ms = draft.value("stale"), draft.found.get("stale")
    if node is None or stale_ms is None:
        return
    read = {path.name for written in draft.conditions for path in paths_in(written.expression.root)}
    every = [spec.every_ms for name in sorted(read & catalogue.keys()) if (spec := catalogue[name]).every_ms]
    longest_ms = max((ms for ms in every if ms is not None), default=0)
    if stale_ms == 0:
        draft.log.error(
            node.start, node.end, "always-missing", "a value that is stale at once can never be judged", "as in 5m"
        )
    elif stale_ms < longest_ms:
        message = f"values go stale before the next comes, which is every {format_duration(longest_ms)}"
        _warn(draft, node, "shorter-than-every", message, f"make it longer than {format_duration(longest_ms)}")


def _check_steps(draft: Draft) -> None:
    node = draft.value("sequence")
    for item in node.items if isinstance(node, YamlList) else ():
        within = item.get("within") if isinstance(item, YamlMap) and item.get("not") is not None else None
        if isinstance(within, YamlScalar) and within.text.rstrip("mshdw") == "0":
            message = "this completes at once, and shows nothing"
            _warn(draft, within, "bad-step", message, "give it as long as nothing may happen")


def _check_placeholders(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log `{temp}`, `{{ temp }}` and `$temp` in a summary, where `temp` is something that the rule knows."""
    node = draft.value("summary")
    if not isinstance(node, YamlScalar) or node.broken:
        return
    read = {path.name for written in draft.conditions for path in paths_in(written.expression.root)}
    known = read | set(draft.found.get("params", {})) | set(catalogue) | set(_LABELS)
    places = offsets(draft.log.source.text, node)
    for found in _BRACES.finditer(node.text):
        if found["name"] in known or found["name"].startswith("device."):
            message = f'"{found[0]}" is printed as it stands'
            start, end = places[found.start()], places[found.end()]
            draft.log.add("warning", start, end, "no-placeholder", message, hint=f"write ${{{found['name']}}}")


def _warn(draft: Draft, node: YamlNode, code: str, message: str, hint: str) -> None:
    draft.log.add("warning", node.start, max(node.end, node.start + 1), code, message, hint=hint)
