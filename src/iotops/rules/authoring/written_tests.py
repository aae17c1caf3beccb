"""Findings about the tests beside a rule: times, series, severities and names that cannot be meant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from iotops.durations import format_duration, parse_instant
from iotops.rules.authoring.expected import STATES
from iotops.rules.authoring.given import UnusableTest, is_time, read_offset, read_ranges, read_series
from iotops.rules.authoring.unreached import check_unreached
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.usage import metrics_in
from iotops.rules.rule import Parameter
from iotops.rules.source.drafts import Draft
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.plain import plain
from iotops.rules.source.values import wrong_value

_TIME = "a time such as 15m"
_UNITS = "times count from the start of the test; units are ms s m h d w"
_ENTRY_KEYS = ("severity", "state", "summary")


def check_tests(draft: Draft) -> None:
    """Log what no run of these tests could make true, and what keeps them from running at all."""
    node = draft.value("tests")
    names: dict[str, int] = {}
    for test in node.items if isinstance(node, YamlList) else ():
        if not isinstance(test, YamlMap):
            continue
        _check_name(draft, test, names)
        for key, value in test.entries:
            reader = _KEYS.get(key.text)
            if reader is not None:
                reader(_Test(draft, test), value)
        check_unreached(draft, test)


@dataclass(frozen=True, slots=True)
class _Test:
    draft: Draft
    node: YamlMap

    def error(self, node: YamlNode, code: str, message: str, hint: str) -> None:
        self.draft.log.error(node.start, max(node.end, node.start + 1), code, message, hint)

    def unusable(self, node: YamlNode, read: Callable[[object], object]) -> None:
        """Log at a value why it cannot be used, where it cannot."""
        try:
            read(plain(self.draft.log.source, node))
        except UnusableTest as error:
            self.error(node, "bad-test", str(error), "see `tests` in docs/rules.md")


def _check_name(draft: Draft, test: YamlMap, names: dict[str, int]) -> None:
    name = test.get("name")
    if not isinstance(name, YamlScalar):
        message = 'this test has no "name": nobody could choose it, or say which one failed'
        draft.log.add("warning", test.start, test.start + 1, "unnamed-test", message, hint="name what it shows")
        return
    if name.text in names:
        message = f'another test of this rule is called "{name.text}", in line {names[name.text]}'
        draft.log.add("warning", name.start, name.end, "duplicate-test", message, hint="name what differs")
    names.setdefault(name.text, draft.log.source.position(name.start).line)


def _times(test: _Test, node: YamlNode) -> None:
    for each in node.items if isinstance(node, YamlList) else (node,):
        _time(test, each)


def _time(test: _Test, node: YamlNode) -> None:
    if not isinstance(node, YamlScalar) or not is_time(plain(test.draft.log.source, node)):
        wrong_value(test.draft.log, node, _TIME, _with_unit(node))


def _with_unit(node: YamlNode) -> str:
    bare = isinstance(node, YamlScalar) and node.text.isdigit()
    return f"write {node.text}s or {node.text}m" if bare and isinstance(node, YamlScalar) else _UNITS


def _start(test: _Test, node: YamlNode) -> None:
    try:
        parse_instant(node.text if isinstance(node, YamlScalar) else "")
    except ValueError:
        test.error(node, "bad-test", "this is no date and time", "as in 2026-01-01T00:00:00Z")


def _shuffle(test: _Test, node: YamlNode) -> None:
    _time(test, node)
    wait_ms = test.draft.found.get("lateness", 0)
    if isinstance(node, YamlScalar) and is_time(node.text) and read_offset(node.text) > wait_ms:
        message = f"what comes that late is late by definition: the rule's lateness is {format_duration(wait_ms)}"
        test.error(node, "bad-test", message, f"write lateness: {node.text} in the rule, or a shorter shuffle")


def _offline(test: _Test, node: YamlNode) -> None:
    per_device = isinstance(node, YamlMap)
    for each in (value for _, value in node.entries) if isinstance(node, YamlMap) and per_device else (node,):
        test.unusable(each, read_ranges)


def _device(test: _Test, node: YamlNode) -> None:
    if not isinstance(node, YamlMap):
        wrong_value(test.draft.log, node, "a map of labels", "write {type: freezer}, for instance")


def _params(test: _Test, node: YamlNode) -> None:
    known: Mapping[str, Parameter] = test.draft.found.get("params", {})
    if not isinstance(node, YamlMap):
        wrong_value(test.draft.log, node, "a map, as in {warn: 8}")
        return
    for key, value in node.entries:
        if key.text not in known:
            hint = did_you_mean(key.text, known) or "add it to params, or remove it here"
            test.error(key, "unknown-param", f'"params" names no "{key.text}"', hint)
        elif known[key.text].ms is not None:
            _time(test, value)
        elif isinstance(plain(test.draft.log.source, value), str | bool):
            wrong_value(test.draft.log, value, "a number")


def _given(test: _Test, node: YamlNode) -> None:
    if not isinstance(node, YamlMap):
        wrong_value(test.draft.log, node, "a map, as in {temp: 20x10}")
        return
    for key, value in node.entries:
        if _is_device(test, value):
            for metric, samples in value.entries if isinstance(value, YamlMap) else ():
                _samples(test, metric, samples)
        else:
            _samples(test, key, value)


def _is_device(test: _Test, node: YamlNode) -> bool:
    """Tell whether a map holds metrics: no key is a time, and it names no file."""
    if not isinstance(node, YamlMap):
        return False
    keys = [plain(test.draft.log.source, key) for key, _ in node.entries]
    return keys != ["file"] and not any(is_time(key) for key in keys) and not _is_mistimed(node)


def _is_mistimed(node: YamlMap) -> bool:
    """Tell whether the values say that the keys were meant as times: no metric is given by one bare word."""
    values = [value.text for _, value in node.entries if isinstance(value, YamlScalar)]
    return len(values) == len(node.entries) and all(len(text.split()) == 1 and "x" not in text for text in values)


def _samples(test: _Test, metric: YamlScalar, node: YamlNode) -> None:
    read = {name for each in test.draft.conditions for name in metrics_in(each.expression.root, _named(test.draft))}
    if read and metric.text not in read and (hint := did_you_mean(metric.text, read)):
        message = f'the rule reads no metric "{metric.text}"'
        test.draft.log.add("warning", metric.start, metric.end, "unknown-metric", message, hint=hint)
    if isinstance(node, YamlMap):
        for key, _ in node.entries if node.get("file") is None else ():
            if not is_time(plain(test.draft.log.source, key)):
                test.error(key, "bad-test", f'expected {_TIME}, found "{key.text}"', _with_unit(key))
    elif isinstance(node, YamlScalar) and not node.broken:
        test.unusable(node, _series)
    else:
        wrong_value(test.draft.log, node, "a series, as in 20x10 _x6, or a map from time to value")


def _series(given: object) -> object:
    return read_series(str(given).lower() if isinstance(given, bool) else str(given), 1)


def _named(draft: Draft) -> Mapping[str, Parameter]:
    found: Mapping[str, Parameter] = draft.found.get("params", {})
    return found


def _expect(test: _Test, node: YamlNode) -> None:
    if not isinstance(node, YamlMap):
        wrong_value(test.draft.log, node, "a map, as in {5m: warning}", "{} where nothing is raised")
        return
    devices = _devices(test)
    for key, value in node.entries:
        if is_time(plain(test.draft.log.source, key)):
            _entry(test, value)
        elif isinstance(value, YamlMap) and value.get("severity") is None:
            if devices and test.draft.per == ("device",) and key.text not in devices:
                hint = did_you_mean(key.text, devices) or f"given are {', '.join(devices)}"
                test.error(key, "bad-test", f'no device "{key.text}" is given in this test', hint)
            for at, entry in value.entries:
                _time(test, at)
                _entry(test, entry)
        else:
            wrong_value(test.draft.log, key, _TIME, _with_unit(key))


def _devices(test: _Test) -> list[str]:
    given = test.node.get("given")
    entries = given.entries if isinstance(given, YamlMap) else ()
    return [key.text for key, value in entries if _is_device(test, value)]


def _entry(test: _Test, node: YamlNode) -> None:
    if isinstance(node, YamlList):
        for item in node.items:
            _entry(test, item)
        return
    if isinstance(node, YamlMap):
        for key, _ in node.entries:
            if key.text not in _ENTRY_KEYS:
                hint = did_you_mean(key.text, _ENTRY_KEYS) or "write {severity: ..., summary: ...}"
                test.error(key, "unknown-key", f'what is expected has no "{key.text}"', hint)
        state = node.get("severity") or node.get("state")
        if state is not None:
            _state(test, state)
        return
    _state(test, node)


def _state(test: _Test, node: YamlNode) -> None:
    text = node.text if isinstance(node, YamlScalar) else ""
    can_be = [severity.word for severity in test.draft.severities]
    if text not in STATES:
        hint = did_you_mean(text, STATES) or _MEANT.get(text, f"the rule can be {' or '.join(can_be)}")
        wrong_value(test.draft.log, node, "one of " + ", ".join(STATES), hint)
    elif text in ("info", "warning", "critical") and text not in can_be:
        test.error(node, "unknown-tier", f'this rule is never "{text}"', f"it can be {' or '.join(can_be)}")
    elif text == "suppressed" and test.draft.unless is None:
        test.error(
            node, "bad-test", 'nothing suppresses this rule: it has no "unless"', "add one, or expect its severity"
        )


_MEANT: Mapping[str, str] = {
    "ok": 'did you mean "resolved"?',
    "clear": 'did you mean "resolved"?',
    "pending": "pending and recovering are not listed: an operator does not see them",
    "recovering": "pending and recovering are not listed: an operator does not see them",
}
_KEYS: Mapping[str, Callable[[_Test, YamlNode], None]] = {
    "every": _time,
    "start": _start,
    "given": _given,
    "device": _device,
    "params": _params,
    "offline": _offline,
    "restart": _times,
    "shuffle": _shuffle,
    "expect": _expect,
}
