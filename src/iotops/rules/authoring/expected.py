"""What a rule's test expects: the timelines that an operator would see."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from iotops.rules.authoring.given import UnusableTest, is_time, read_offset
from iotops.rules.device import DeviceFacts
from iotops.rules.instances import instance_of
from iotops.rules.links import values_of
from iotops.rules.rule import Rule
from iotops.rules.surveys import group_labels

Timeline = Mapping[str, Mapping[int, tuple[Mapping[str, str], ...]]]
"""Instance -> offset in ms -> what an operator sees then, in order: `{"state": ...}`, with `summary` where listed."""

STATES: Final = ("info", "warning", "critical", "resolved", "suppressed", "unknown", "known")


def read_expected(expect: Mapping[str, Any], rule: Rule, facts: Sequence[DeviceFacts]) -> Timeline:
    """Read `expect`: one timeline, or one per instance: device or group.

    Raises:
        UnusableTest: a time, state or instance that cannot be.
    """
    names = _instances(rule, facts)
    nested = bool(expect) and all(isinstance(own, Mapping) and not is_time(name) for name, own in expect.items())
    by_name = expect if nested else {next(iter(names)): expect}
    found = {}
    for name, timeline in by_name.items():
        if name not in names:
            known = ", ".join(dict.fromkeys(names))
            msg = f"expect: {name!r} is neither a time such as 15m nor an instance of this test; those are {known}"
            raise UnusableTest(msg)
        found[names[name]] = {read_offset(time): _entries(entry) for time, entry in timeline.items()}
    return found


def _instances(rule: Rule, facts: Sequence[DeviceFacts]) -> Mapping[str, str]:
    """Return what a test may call an instance: a device by its id, a group also by its labels' values alone."""
    if rule.per == ("device",):
        return {each.key.device: str(each.key) for each in facts}
    labels = group_labels(rule.per)
    found: dict[str, str] = {}
    for each in facts:
        values = values_of(labels, each.labels)
        if values is not None:
            name = instance_of(labels, values)
            found |= {",".join(values) or name: name, name: name}
    if not found:
        msg = f"per: {', '.join(labels)}: no device of this test has these labels; write them under device:"
        raise UnusableTest(msg)
    return found


def _entries(entry: Any) -> tuple[Mapping[str, str], ...]:
    """Read what is expected at one time: a state, `{severity, summary}`, or a list of such, in order."""
    if isinstance(entry, list):
        return tuple(each for item in entry for each in _entries(item))
    given = entry if isinstance(entry, Mapping) else {"severity": entry}
    state = given.get("severity", given.get("state"))
    if state not in STATES or set(given) - {"severity", "state", "summary"}:
        msg = f"expect: found {entry!r}, expected one of {', '.join(STATES)}, or {{severity: ..., summary: ...}}"
        raise UnusableTest(msg)
    return ({"state": state} | ({"summary": str(given["summary"])} if "summary" in given else {}),)
