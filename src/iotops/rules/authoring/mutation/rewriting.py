"""The small changes to one rule as it is written: a table of kinds, each of which yields changes to the file's text."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from iotops.rules.authoring.mutation import expressions
from iotops.rules.authoring.mutation.amounts import durations_near, numbers_near
from iotops.rules.authoring.mutation.changes import Change, Changes
from iotops.rules.authoring.mutation.edits import Edit, end_of, without
from iotops.rules.rule import Severity
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog
from iotops.rules.source.written import Written, read_expression

LEAST: Final = 10  # mutants of a rule; with fewer of the usual kinds, further ones make up for it
_CONDITIONS: Final = ("when", "until", "unless")
_TIMES: Final = ("for", "keep_firing_for", "stale", "lateness")
_DROPPED: Final = ("until", "for", "keep_firing_for", "unless", "match", "active")
_CLOCK: Final = re.compile(r"(\d\d?):(\d\d)")
_SEVERITIES: Final = tuple(severity.word for severity in Severity)


@dataclass(frozen=True, slots=True)
class RuleText:
    """A rule in its file: its own keys, and the file's defaults, which count where it has none of that name."""

    log: FindingLog
    own: YamlMap
    defaults: YamlMap | None

    def places(self, key: str) -> Iterator[tuple[YamlMap, YamlNode]]:
        """Yield the values of a key that are in force, each with the map that it stands in."""
        value = self.own.get(key)
        if value is not None:
            yield self.own, value
        inherited = self.defaults.get(key) if self.defaults else None
        if self.defaults and inherited is not None and (value is None or key == "match"):
            yield self.defaults, inherited

    @property
    def source(self) -> str:
        """Return the text of the file."""
        return self.log.source.text


def usual(rule: RuleText) -> Changes:
    """Yield the changes that every rule gets: numbers, comparisons, `and` and `or`, and its parts dropped."""
    for change in _USUAL:
        yield from change(rule)


def further(rule: RuleText) -> Changes:
    """Yield changes for rules in which there is little to change, the most telling first."""
    for written in _conditions(rule):
        yield from expressions.beyond(written)
    yield from _severities(rule)
    for key in ("for", "keep_firing_for"):
        if not list(rule.places(key)):
            yield from _added(rule, key)


def _conditions(rule: RuleText) -> Iterator[Written]:
    for key in _CONDITIONS:
        for _, node in rule.places(key):
            yield from _read(rule, node)
    for step in _steps(rule):
        for key in ("when", "not"):
            yield from _read(rule, step.get(key))


def _read(rule: RuleText, node: YamlNode | None) -> Iterator[Written]:
    for scalar in _scalars(node):
        written = read_expression(FindingLog(rule.log.source), scalar)
        if written is not None:
            yield written


def _scalars(node: YamlNode | None) -> Iterator[YamlScalar]:
    """Yield a value, or the values of a map of severities."""
    if isinstance(node, YamlScalar):
        yield node
    elif isinstance(node, YamlMap):
        yield from (value for _, value in node.entries if isinstance(value, YamlScalar))


def _steps(rule: RuleText) -> Iterator[YamlMap]:
    for _, node in rule.places("sequence"):
        yield from (step for step in node.items if isinstance(step, YamlMap)) if isinstance(node, YamlList) else ()


def _amounts(rule: RuleText) -> Changes:
    for written in _conditions(rule):
        yield from expressions.amounts(written)
    for key in _TIMES:
        for _, node in rule.places(key):
            yield from _near(_scalars(node))
    for step in _steps(rule):
        yield from _near(_scalars(step.get("within")))
    for values in _params(rule):
        yield from _near(_scalars(values))


def _params(rule: RuleText) -> Iterator[YamlNode | None]:
    own = rule.own.get("params")
    yield own
    hidden = {key.text for key, _ in own.entries} if isinstance(own, YamlMap) else set()
    inherited = rule.defaults.get("params") if rule.defaults else None
    for key, value in inherited.entries if isinstance(inherited, YamlMap) else ():
        if key.text not in hidden:
            yield value
    for _, overrides in rule.places("overrides"):
        for override in overrides.items if isinstance(overrides, YamlList) else ():
            yield override.get("params") if isinstance(override, YamlMap) else None


def _near(nodes: Iterator[YamlScalar]) -> Changes:
    for node in nodes:
        if node.text[-1:].isalpha():
            near, what = durations_near(node.text), "a duration"
        else:
            near, what = numbers_near(node.text), "a number"
        yield from (_put(node, text, f"{what} {how}") for text, how in near)


def _clocks(rule: RuleText) -> Changes:
    """Yield `active` with each of its times a minute later and earlier."""
    for _, node in rule.places("active"):
        for scalar in _scalars(node.get("times") if isinstance(node, YamlMap) else None):
            start = scalar.start + len(scalar.style)
            for found in _CLOCK.finditer(scalar.text):
                minutes = int(found[1]) * 60 + int(found[2])
                for moved in (minutes + 1, minutes - 1):
                    text = f"{moved // 60 % 24:02}:{moved % 60:02}"
                    edit = Edit(start + found.start(), start + found.end(), text)
                    yield Change("a time by a minute", edit.start, (edit,))


def _flips(rule: RuleText) -> Changes:
    for written in _conditions(rule):
        yield from expressions.flips(written)


def _tiers(rule: RuleText) -> Changes:
    """Yield the rule without each of its tiers, and without what it says about that tier elsewhere."""
    for parent, node in rule.places("when"):
        if not isinstance(node, YamlMap):
            continue
        for severity, _ in node.entries:
            dropped = without(rule.source, node, severity.text)
            elsewhere = (_without_tier(rule, parent, key, severity.text) for key in ("for", "until"))
            if dropped is not None:
                edits = (dropped, *(edit for edit in elsewhere if edit is not None))
                yield Change(f"tier {severity.text} dropped", severity.start, edits)


def _without_tier(rule: RuleText, parent: YamlMap, key: str, severity: str) -> Edit | None:
    node = parent.get(key)
    if not isinstance(node, YamlMap) or node.get(severity) is None:
        return None
    return without(rule.source, parent, key) if len(node.entries) == 1 else without(rule.source, node, severity)


def _drops(rule: RuleText) -> Changes:
    for name in _DROPPED:
        found = [(parent, without(rule.source, parent, name)) for parent, _ in rule.places(name)]
        edits = tuple(edit for _, edit in found if edit is not None)
        if edits:
            parent = found[0][0]
            place = next(key.start for key, _ in parent.entries if key.text == name)
            yield Change(f"{name} dropped", place, edits)


def _severities(rule: RuleText) -> Changes:
    """Yield the rule with another severity, where it has one condition for all."""
    if any(isinstance(node, YamlMap) for _, node in rule.places("when")):
        return
    _, given = next(rule.places("severity"), (rule.own, None))
    for word in _SEVERITIES:
        if not isinstance(given, YamlScalar):
            yield from _entry(rule, f"severity: {word}", "another severity")
        elif word != given.text:
            yield _put(given, word, "another severity")


def _added(rule: RuleText, key: str) -> Changes:
    for duration in ("1s", "10s", "1m", "10m", "1h"):
        yield from _entry(rule, f"{key}: {duration}", f"{key} added")


def _entry(rule: RuleText, text: str, what: str) -> Changes:
    """Yield the rule with an entry behind its first, in the style of the map."""
    first = rule.own.entries[0][0]
    end = end_of(rule.source, rule.own, 0)
    column = rule.log.source.position(first.start).column
    between = ", " if rule.source.startswith("{", rule.own.start) else "\n" + " " * (column - 1)
    yield Change(what, first.start, (Edit(end, end, between + text),))


def _put(node: YamlScalar, text: str, what: str) -> Change:
    return Change(what, node.start, (Edit(node.start, node.end, text),))


_USUAL: Final[tuple[Callable[[RuleText], Changes], ...]] = (_amounts, _clocks, _flips, _tiers, _drops)
