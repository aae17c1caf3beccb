"""Two fingerprints of a rule: of what it means, and of everything that is written."""

import hashlib
from collections.abc import Mapping
from typing import Any

from iotops.rules.active import ActiveTimes
from iotops.rules.language.usage import metrics_in
from iotops.rules.language.walk import shape
from iotops.rules.rule import Expression, MetricSpec, Parameter, Rule


def semantic_hash(rule: Rule, catalogue: Mapping[str, MetricSpec]) -> str:
    """Return what changes exactly when an alert's state must not be kept over a reload.

    It covers the conditions as trees (blanks, parentheses and comments do not count), the devices and groups they are
    about, parameters, times, and what the catalogue says about the metrics they read.
    """
    return _digest(_meaning(rule, catalogue))


def full_hash(rule: Rule, catalogue: Mapping[str, MetricSpec]) -> str:
    """Return what changes whenever anything of the rule changes, comments and layout apart; the rule's version."""
    texts = (rule.summary.text if rule.summary else None, rule.runbook, _pairs(rule.labels), rule.mode.value)
    times = (rule.reopen_ms, rule.settle_ms, rule.merge_window_ms)
    return _digest((rule.id, _meaning(rule, catalogue), texts, times, repr(rule.tests)))


def _meaning(rule: Rule, catalogue: Mapping[str, MetricSpec]) -> tuple[Any, ...]:
    return (
        _pairs(rule.match),
        rule.per,
        _params(rule.params),
        tuple((_pairs(override.match), _params(override.params)) for override in rule.overrides),
        tuple((int(severity), shape(found.root)) for severity, found in rule.when.items()),
        tuple(sorted((int(severity), hold) for severity, hold in rule.for_ms.items())),
        tuple(sorted((int(severity or 0), repr(shape(found.root))) for severity, found in rule.until.items())),
        (rule.keep_firing_for_ms, rule.lateness_ms, rule.stale_ms),
        *_times(rule.active),
        shape(rule.unless.root) if rule.unless else None,
        _metrics(rule, catalogue),
    )


def _times(active: ActiveTimes | None) -> tuple[Any, ...]:
    """Return what is said about times; nothing where nothing is, so that rules without keep the hash they had."""
    return () if active is None else ((sorted(active.weekdays), sorted(active.ranges), active.zone),)


def _metrics(rule: Rule, catalogue: Mapping[str, MetricSpec]) -> tuple[Any, ...]:
    names: set[str] = set()
    for found in _conditions(rule):
        names |= metrics_in(found.root, rule.params)
    specs = (catalogue[name] for name in sorted(names) if name in catalogue)
    return tuple((spec.name, spec.kind, spec.every_ms, spec.valid) for spec in specs)


def _conditions(rule: Rule) -> tuple[Expression, ...]:
    """Return every expression of a rule that must be true or false."""
    return (*rule.when.values(), *rule.until.values(), *((rule.unless,) if rule.unless else ()))


def _params(params: Mapping[str, Parameter]) -> tuple[Any, ...]:
    return tuple((name, value.number, value.ms) for name, value in sorted(params.items()))


def _pairs(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(sorted(found.items()))


def _digest(found: tuple[Any, ...]) -> str:
    return hashlib.blake2b(repr(found).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
