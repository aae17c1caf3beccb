"""One entry of `rules`, merged with its file's defaults, and the Rule that it makes."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iotops.rules.rule import Mode, Rule, Severity
from iotops.rules.source.keys import RULE_KEYS, SEVERITIES, read_keys
from iotops.rules.source.nodes import YamlMap, YamlNode, YamlScalar
from iotops.rules.source.steps import WrittenStep, sequence_of
from iotops.rules.source.text import FindingLog
from iotops.rules.source.written import Written, WrittenTemplate

_MERGED = ("match", "params", "labels")  # maps grow; everything else is replaced by what the rule says


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule as written.

    Attributes:
        found: key -> meaning, the file's defaults included; expressions as `Written`.
        closed: its file declares that no other metrics than those of the catalogue exist.
        declares: its file has a catalogue at all.
    """

    id: str
    log: FindingLog
    node: YamlMap
    found: Mapping[str, Any]
    closed: bool = False
    declares: bool = False

    @property
    def when(self) -> Mapping[Severity, Written]:
        """Return severity -> condition, ascending."""
        tiers: Mapping[Severity | None, Written] = self.found.get("when", {})
        default: Severity = self.found.get("severity", Severity.WARNING)
        return dict(sorted((default if severity is None else severity, written) for severity, written in tiers.items()))

    @property
    def steps(self) -> tuple[WrittenStep, ...]:
        """Return the steps of a rule that has a sequence instead of a condition."""
        steps: tuple[WrittenStep, ...] = self.found.get("sequence", ())
        return steps

    @property
    def severities(self) -> tuple[Severity, ...]:
        """Return the severities that the rule can have, ascending."""
        if self.steps:
            return (self.found.get("severity", Severity.WARNING),)
        return tuple(self.when)

    @property
    def until(self) -> Mapping[Severity | None, Written]:
        """Return the recovery conditions; key None: of all tiers."""
        until: Mapping[Severity | None, Written] = self.found.get("until", {})
        return until

    @property
    def unless(self) -> Written | None:
        """Return the suppressing condition."""
        return self.found.get("unless")

    @property
    def per(self) -> tuple[str, ...]:
        """Return what an instance of the rule is about: `("device",)`, labels, or `("fleet",)`."""
        per: tuple[str, ...] = self.found.get("per", ("device",))
        return per

    @property
    def conditions(self) -> tuple[Written, ...]:
        """Return everything that must be true or false."""
        steps = (step.written for step in self.steps)
        return (*self.when.values(), *steps, *self.until.values(), *((self.unless,) if self.unless else ()))

    @property
    def summary(self) -> WrittenTemplate | None:
        """Return the text for people."""
        return self.found.get("summary")

    def key(self, name: str) -> YamlScalar:
        """Return where a key of the rule itself stands; the rule's first key where it has none of that name."""
        keys = [key for key, _ in self.node.entries]
        return next((key for key in keys if key.text == name), keys[0])

    def value(self, name: str) -> YamlNode | None:
        """Return the value of a key of the rule itself."""
        return self.node.get(name)


def read_draft(
    log: FindingLog, node: YamlMap, defaults: Mapping[str, Any], *, closed: bool, declares: bool
) -> Draft | None:
    """Return a rule as written; None where it has no name, which is logged."""
    found = read_keys(log, node, RULE_KEYS, "a rule")
    if "alert" not in found:
        if node.get("alert") is None:
            log.error(
                node.start,
                node.start + 1,
                "missing-key",
                'this rule has no "alert", its name',
                "write alert: some_name",
            )
        return None
    merged = {**defaults, **found}
    for key, other in (("when", "sequence"), ("sequence", "when")):
        if key in found and other not in found:
            merged.pop(other, None)  # of the two a rule has one, whatever its file's defaults say
    for key in _MERGED:
        if key in defaults and key in found:
            merged[key] = {**defaults[key], **found[key]}
    draft = Draft(found["alert"], log, node, merged, closed, declares)
    _check_tiers(draft)
    return draft


def rule_of(draft: Draft) -> Rule:
    """Return the rule, without hashes."""
    found = draft.found
    holds = found.get("for", {})
    summary = draft.summary
    when = {severity: written.expression for severity, written in draft.when.items()}
    return Rule(
        id=draft.id,
        when={draft.severities[0]: sequence_of(draft.steps)} if draft.steps else when,
        position=draft.log.source.position(draft.key("alert").start),
        match=found.get("match", {}),
        per=draft.per,
        params=found.get("params", {}),
        overrides=found.get("overrides", ()),
        tiered=None not in found.get("when", {None: None}),
        for_ms={severity: holds.get(severity, holds.get(None, 0)) for severity in draft.severities},
        until={severity: written.expression for severity, written in draft.until.items()},
        keep_firing_for_ms=found.get("keep_firing_for", 0),
        unless=draft.unless.expression if draft.unless else None,
        active=found.get("active"),
        summary=summary.template if summary else None,
        runbook=found.get("runbook"),
        labels=found.get("labels", {}),
        mode=found.get("mode", Mode.LIVE),
        lateness_ms=found.get("lateness", 0),
        stale_ms=found.get("stale"),
        **{f"{key}_ms": found[key] for key in ("reopen", "settle", "merge_window") if key in found},
        source=_own_lines(draft),
        tests=found.get("tests", ()),
    )


def _check_tiers(draft: Draft) -> None:
    if draft.value("when") is None and "when" not in draft.found and draft.value("sequence") is None:
        message = f'rule "{draft.id}" has neither "when" nor "sequence"'
        _say(draft, "alert", "missing-key", message, "write when: temp > 8, for instance")
    if isinstance(when := draft.value("when"), YamlMap) and not when.entries:
        _say(draft, "when", "empty", '"when" names no severity', "write critical: temp > 8, for instance")
    if isinstance(draft.value("when"), YamlMap) and draft.value("severity") is not None:
        message = '"severity" is for a rule with one condition; here "when" names the severities'
        _say(draft, "severity", "severity-twice", message, "remove it")
    if draft.value("sequence") is not None:
        _check_sequence(draft)
    for name in ("for", "until"):
        _check_tiers_of(draft, draft.value(name))


def _check_sequence(draft: Draft) -> None:
    """Log what does not go with a sequence: it has one severity, and only `until` can tell when it is over."""
    if draft.value("when") is not None:
        message = '"sequence" stands instead of "when", and this rule has both'
        _say(draft, "when", "sequence-and-when", message, "write it as a step, - when: ...")
    if "until" not in draft.found:
        message = "a sequence does not end by itself"
        _say(draft, "sequence", "missing-key", message, "add until: what ends the alert")
    for name in ("for", "until"):
        if isinstance(draft.value(name), YamlMap):
            message = f'a sequence has one severity, and "{name}" names several'
            _say(draft, name, "severity-map", message, f"write {name}: and one value")


def _check_tiers_of(draft: Draft, node: YamlNode | None) -> None:
    has = set() if draft.steps else {severity.word for severity in draft.when}
    for key, _ in node.entries if isinstance(node, YamlMap) and has else ():
        if key.text in SEVERITIES and key.text not in has:
            message = f'"when" has no "{key.text}", only {" and ".join(sorted(has))}'
            draft.log.error(key.start, key.end, "unknown-tier", message, "remove it, or add the tier")


def _say(draft: Draft, name: str, code: str, message: str, hint: str) -> None:
    key = draft.key(name)
    draft.log.error(key.start, key.end, code, message, hint)


def _own_lines(draft: Draft) -> str:
    """Return the lines of the rule, without the blank and comment lines that follow it."""
    source = draft.log.source
    start = source.line_start(source.position(draft.node.start).line)
    lines = source.text[start : draft.node.end].splitlines()
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return textwrap.dedent("\n".join(lines))
