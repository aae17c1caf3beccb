"""The steps of a sequence, as written, and the one tree that they make."""

from collections.abc import Sequence
from dataclasses import dataclass

from iotops.durations import format_duration
from iotops.rules.language.nodes import Sequence as SequenceNode
from iotops.rules.language.nodes import SequenceStep
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.language.walk import shifted
from iotops.rules.rule import Expression
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.numbers import read_duration
from iotops.rules.source.text import FindingLog
from iotops.rules.source.values import wrong_value
from iotops.rules.source.written import Written, read_expression

MAX_STEPS = 20
_STEP = "a step: {when: amps > 4, within: 30s}, or with not"
_KEYS = ("when", "not", "within")
_ELSEWHERE = {"if": "when", "then": "when", "absent": "not", "unless": "not", "for": "within", "timeout": "within"}


@dataclass(frozen=True, slots=True)
class WrittenStep:
    """A step of a sequence."""

    written: Written
    negated: bool
    within_ms: int | None


def read_sequence(log: FindingLog, node: YamlNode) -> tuple[WrittenStep, ...] | None:
    """Return the steps; None where they are none, which is logged."""
    if not isinstance(node, YamlList):
        wrong_value(log, node, "a list of steps, - when: ...")
        return None
    if not 2 <= len(node.items) <= MAX_STEPS:
        message = f"a sequence has 2 to {MAX_STEPS} steps, found {len(node.items)}"
        hint = "one condition alone is a when" if len(node.items) < 2 else "split it into rules joined by firing()"
        log.error(node.start, max(node.end, node.start + 1), "bad-sequence", message, hint)
        return None
    steps = [_step(log, item, first=place == 0) for place, item in enumerate(node.items)]
    return tuple(step for step in steps if step is not None) or None


def sequence_of(steps: Sequence[WrittenStep]) -> Expression:
    """Return the steps as one expression, whose text people read and whose tree is the sequence."""
    text, found = "", []
    for step in steps:
        text += ", then " if text else ""
        start = len(text)
        text += "not " if step.negated else ""
        condition = shifted(step.written.expression.root, len(text))
        text += step.written.expression.text
        text += "" if step.within_ms is None else f" within {format_duration(step.within_ms)}"
        found.append(SequenceStep(start, len(text), condition, step.negated, step.within_ms))
    return Expression(text, SequenceNode(0, len(text), tuple(found)), steps[0].written.expression.position)


def _step(log: FindingLog, node: YamlNode, *, first: bool) -> WrittenStep | None:
    if not isinstance(node, YamlMap):
        wrong_value(log, node, _STEP)
        return None
    for key, _ in node.entries:
        if key.text not in _KEYS and not key.broken:
            _say_unknown(log, key)
    asked = [(key, value) for key, value in node.entries if key.text in ("when", "not")]
    if len(asked) != 1:
        message = "this step has both when and not" if asked else 'this step has neither "when" nor "not"'
        log.error(node.start, node.start + 1, "bad-step", message, f"write {_STEP}")
        return None
    (key, value) = asked[0]
    within = node.get("within")
    _check_place(log, node, key, within, first=first)
    within_ms = None if within is None else read_duration(log, within)
    written = read_expression(log, value)
    return None if written is None else WrittenStep(written, key.text == "not", within_ms)


def _check_place(log: FindingLog, node: YamlMap, key: YamlScalar, within: YamlNode | None, *, first: bool) -> None:
    if first and key.text == "not":
        message = "the first step is something that happens, and this is something that does not"
        log.error(key.start, key.end, "bad-step", message, "write when; for silence alone there is age()")
    elif first and within is not None:
        place = next(found for found, _ in node.entries if found.text == "within")
        message = '"within" counts from the step before, and there is none'
        log.error(place.start, place.end, "bad-step", message, "remove it")
    elif key.text == "not" and within is None:
        message = 'a "not" completes at the end of its "within", and has none'
        log.error(key.start, key.end, "bad-step", message, "write {not: flow > 0.1, within: 20s}, for instance")


def _say_unknown(log: FindingLog, key: YamlScalar) -> None:
    ours = _ELSEWHERE.get(key.text)
    hint = f'did you mean "{ours}"?' if ours else did_you_mean(key.text, _KEYS) or "known are when, not, within"
    log.error(key.start, key.end, "unknown-key", f'a step has no key "{key.text[:40]}"', hint)
