"""Check rule files: everything that loading checks, and whether what they say can be meant."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from iotops.durations import format_duration
from iotops.rules.authoring.doubtful import check_doubtful
from iotops.rules.authoring.fleet import Fleet, check_against
from iotops.rules.authoring.reachability import check_reachability
from iotops.rules.authoring.slips import check_slips
from iotops.rules.authoring.units import unit_clashes
from iotops.rules.authoring.written_tests import check_tests
from iotops.rules.finding import Finding
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Call, Comparison, Literal, Path, Window
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.usage import paths_in
from iotops.rules.language.walk import walk
from iotops.rules.rule import MetricSpec
from iotops.rules.rulefile import ReadRules, read_rules
from iotops.rules.source.drafts import Draft
from iotops.rules.source.files import RuleFile
from iotops.rules.source.nodes import YamlMap
from iotops.rules.source.written import Written

_JUDGED = ("params", "overrides", "when", "sequence", "for", "until", "unless", "summary")
_WELL_KNOWN_LABELS = ("site", "device", "name", "type", "model", "firmware", "gateway", "service")


def check(sources: Mapping[str, str], fleet: Fleet | None = None) -> tuple[Finding, ...]:
    """Return all findings about rule files (name -> text), by file and place; `fleet`: the devices that there are."""
    return examined(sources, fleet).findings


def examined(sources: Mapping[str, str], fleet: Fleet | None = None) -> ReadRules:
    """Return rule files as read, with everything logged that `check` finds."""
    read = read_rules(sources)
    broken = {(finding.position.file, finding.position.line) for finding in read.findings if finding.level == "error"}
    labels = _labels(read.drafts)
    for file in read.files:
        _check_emptiness(file)
    for draft in read.drafts:
        for examine in _CHECKS if _is_whole(draft, broken, _JUDGED) else ():
            examine(draft, read.catalogue)
        check_tests(draft)
        if _is_whole(draft, broken, ("match",)):
            if fleet is None:
                _check_labels(draft, labels)
            else:
                check_against(fleet, draft, read.catalogue)
    return read


def _check_emptiness(file: RuleFile) -> None:
    """Log a list of rules that has none, in a file that is for nothing else: perhaps all of them were commented out."""
    key = file.rules_key
    if key is not None and not file.drafts and not file.declarations and not file.log.findings:
        file.log.add(
            "note", key.start, key.end, "no-rules", "no rule stands in this list", hint="add one, - alert: ..."
        )


def _is_whole(draft: Draft, broken: Container[tuple[str, int]], keys: Iterable[str]) -> bool:
    """Tell whether the values of these keys could be read; what would be said about the rest of them would be wrong."""
    source = draft.log.source
    for node in [value for key in keys if (value := draft.value(key)) is not None]:
        written = source.text[node.start : node.end].rstrip()  # a map in block style ends where the next key begins
        first, last = source.position(node.start).line, source.position(node.start + len(written)).line
        if any((source.name, line) in broken for line in range(first, last + 1)):
            return False
    return True


def _expressions(draft: Draft) -> Iterator[Written]:
    yield from draft.conditions
    yield from draft.summary.slots if draft.summary else ()


def _check_params(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    params = draft.found.get("params", {})
    used = {
        path.name for written in _expressions(draft) for path in paths_in(written.expression.root) if not path.quoted
    }
    node = draft.value("params")
    for key, _ in node.entries if isinstance(node, YamlMap) else ():
        if key.text in catalogue:
            message = f'parameter "{key.text}" hides the metric of that name'
            hint = f"rename it, or write `{key.text}` in backticks for the metric"
            draft.log.add("warning", key.start, key.end, "param-hides-metric", message, hint=hint)
        if key.text not in used:
            hint = did_you_mean(key.text, sorted(used - set(params) - set(catalogue)))
            message = f'parameter "{key.text}" is never used'
            hint = f"{hint[:-1]} where it is meant?" if hint else "remove it"
            draft.log.add("warning", key.start, key.end, "unused-param", message, hint=hint)


def _check_holds(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    holds = draft.found.get("for", {})
    for severity, written in draft.when.items():
        hold = holds.get(severity, holds.get(None, 0))
        every = [spec.every_ms for spec in _specs(written, draft, catalogue) if spec.every_ms]
        if every and 0 < hold < min(every) and draft.value("for") is not None:
            key = draft.key("for")
            pace = format_duration(min(every))
            message = f'"for" of {format_duration(hold)} ends before the next sample, which comes every {pace}'
            hint = "one sample decides; make it longer, or leave it out"
            draft.log.add("warning", key.start, key.end, "for-shorter-than-every", message, hint=hint)
            return


def _check_units(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    for written in _expressions(draft):
        for node, one, other in unit_clashes(written.expression.root, draft.found.get("params", {}), catalogue):
            message = f"this is in {other}, and what it is set against in {one}"
            written.say("warning", node, "unit-mismatch", message, hint="convert one of them")


def _check_counters(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    for written in _expressions(draft):
        for node in walk(written.expression.root):
            if not isinstance(node, Call) or node.name not in ("increase", "rate") or not node.args:
                continue
            window = next((found for found in walk(node.args[0]) if isinstance(found, Window)), None)
            spec = catalogue.get(window.path.name) if window else None
            if window is not None and spec is not None and spec.kind == "gauge":
                message = f'{node.name}() takes every fall of "{spec.name}" for a restarted counter, and it is a gauge'
                hint = "use delta(), or declare kind: counter"
                written.say("warning", window, "gauge-as-counter", message, hint=hint)


def _check_mixed_use(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log a metric that is compared with a number in one place and with a text in another."""
    seen: dict[str, type] = {}
    for written in draft.conditions:
        for path, value in _compared_with_literals(written, draft):
            kind = str if isinstance(value, str) else bool if isinstance(value, bool) else float
            if seen.setdefault(path.name, kind) is not kind and path.name not in catalogue:
                words = {str: "a text", bool: "a truth value", float: "a number"}
                message = f'"{path.name}" is compared with {words[kind]} here and with {words[seen[path.name]]} before'
                written.say("warning", path, "mixed-use", message, hint="a metric is one of them")


def _compared_with_literals(written: Written, draft: Draft) -> Iterator[tuple[Path, object]]:
    params = draft.found.get("params", {})
    for node in walk(written.expression.root):
        if not isinstance(node, Comparison):
            continue
        for left, right in zip(node.operands, node.operands[1:], strict=False):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, Path) and isinstance(other, Literal) and role_of(one, params) is Role.METRIC:
                    yield one, other.value


def _specs(written: Written, draft: Draft, catalogue: Mapping[str, MetricSpec]) -> list[MetricSpec]:
    params = draft.found.get("params", {})
    paths = (path for path in paths_in(written.expression.root) if role_of(path, params) is Role.METRIC)
    return [catalogue[path.name] for path in paths if path.name in catalogue]


def _labels(drafts: tuple[Draft, ...]) -> dict[str, int]:
    """Return how many rules match by each label."""
    counts: dict[str, int] = {}
    for draft in drafts:
        for label in draft.found.get("match", {}):
            counts[label] = counts.get(label, 0) + 1
    return counts


def _check_labels(draft: Draft, counts: Mapping[str, int]) -> None:
    """Log a label that only this rule knows and that looks like a slip of a well known one."""
    node = draft.value("match")
    for key, _ in node.entries if isinstance(node, YamlMap) else ():
        if key.text in _WELL_KNOWN_LABELS or counts.get(key.text, 0) != 1:
            continue
        others = [*_WELL_KNOWN_LABELS, *(label for label, count in counts.items() if count > 1)]
        hint = did_you_mean(key.text, others)
        if hint:
            message = f'no other rule matches by a label "{key.text}"'
            draft.log.add("note", key.start, key.end, "unusual-label", message, hint=hint)


_CHECKS: tuple[Callable[[Draft, Mapping[str, MetricSpec]], None], ...] = (
    _check_params,
    _check_holds,
    _check_units,
    _check_counters,
    _check_mixed_use,
    check_reachability,
    check_doubtful,
    check_slips,
)
