"""The schema of rule files: one entry for every key that the loader's tables have, so that the two cannot part."""

from collections.abc import Mapping
from typing import Any, Final

from iotops.rules.authoring.schemas.values import (
    DURATION,
    EXPECT,
    EXPRESSION,
    GIVEN,
    MATCH,
    NUMBER,
    PARAMS,
    TEXT,
    TEXTS,
    Schema,
    by_severity,
    map_of,
    strict,
    words,
)
from iotops.rules.rule import Mode
from iotops.rules.source.catalogue import KINDS, METRIC_KEYS
from iotops.rules.source.files import FILE_KEYS
from iotops.rules.source.keys import DEFAULT_KEYS, OVERRIDE_KEYS, RULE_KEYS, SEVERITIES, TEST_KEYS
from iotops.rules.source.steps import MAX_STEPS

DRAFT: Final = "http://json-schema.org/draft-07/schema#"

_OVERRIDE: Final[Mapping[str, tuple[str, Schema]]] = {
    "match": ("the devices that are meant", MATCH),
    "params": ("their values, of parameters that the rule has", PARAMS),
}
_TEST: Final[Mapping[str, tuple[str, Schema]]] = {
    "name": ("what the test shows", TEXT),
    "device": ("labels of the test's device; default: the first value of every label in match", {"type": "object"}),
    "params": ("other parameters than the rule's", PARAMS),
    "start": ("where event time begins; default 2026-01-01T00:00:00Z", TEXT),
    "every": ("spacing of a series; default 1m", DURATION),
    "given": ("metric: a series such as `20x10 _x6 0..60x7 nan`, a map from time to value, or {file: ...}", GIVEN),
    "offline": ("when the status says offline, such as 5m-8m", {"type": ["string", "array", "object"]}),
    "restart": (
        "when the engine is saved and restored: a time, or a list of them",
        {"anyOf": [DURATION, {"type": "array", "items": DURATION}]},
    ),
    "shuffle": ("seeded disorder of arrival, at most the rule's lateness", DURATION),
    "expect": ("everything that an operator sees: time: info, warning, critical, resolved, suppressed", EXPECT),
}
_STEP: Final = strict(
    {
        "when": {**EXPRESSION, "description": "must become true"},
        "not": {**EXPRESSION, "description": "must not become true within the time"},
        "within": {**DURATION, "description": "counted from the step before"},
    },
    oneOf=[{"required": ["when"]}, {"required": ["not", "within"]}],
)
_ACTIVE: Final = strict(
    {
        "weekdays": {**TEXTS, "description": "mon-fri, or sat,sun; default every day", "examples": ["mon-fri"]},
        "times": {**TEXTS, "description": "22:00-06:00: overnight; default all day", "examples": ["22:00-06:00"]},
        "tz": {"type": "string", "description": "the time zone, as in Europe/Paris; default UTC"},
    },
    anyOf=[{"required": ["weekdays"]}, {"required": ["times"]}],
)
_RULE: Final[Mapping[str, tuple[str, Schema]]] = {
    "alert": (
        "the rule's id: a-z, 0-9 and _, unique in the whole set",
        {"type": ["string", "number", "boolean"], "pattern": "^(?!ingest_down$)[a-z0-9_]{1,100}$"},
    ),
    "match": ("which devices: label: value, list of values, or glob; default every device", MATCH),
    "per": ("one alert per device (default), per label or list of labels, or for the fleet", TEXTS),
    "params": ("named numbers or durations", PARAMS),
    "overrides": ("other values for some devices; the last that matches wins", {"type": "array"}),
    "when": ("the condition, or a map from severity to condition", by_severity(EXPRESSION)),
    "sequence": (
        "steps that must happen one after the other; `not` with `within`: must not happen",
        {"type": "array", "items": _STEP, "minItems": 2, "maxItems": MAX_STEPS},
    ),
    "for": ("how long the condition must be true first; one duration, or one per severity", by_severity(DURATION)),
    "until": ("what ends the alert, in addition to `when` being false", by_severity(EXPRESSION)),
    "keep_firing_for": ("how long recovery must last", DURATION),
    "unless": ("suppresses while true; unknown counts as false", EXPRESSION),
    "active": ("when alerts may be raised; what is open goes on", _ACTIVE),
    "severity": ("default warning; where `when` is one condition", words(SEVERITIES)),
    "summary": ("the incident's title, with ${expression:format}", {**TEXT, "maxLength": 2_000}),
    "runbook": ("the address of a page that says what to do", {"type": "string", "pattern": r"^https?://[^\s/]+\S*$"}),
    "labels": ("routing labels of the incident, such as team and service", map_of(TEXT)),
    "mode": ("live (default), shadow: alerts but no incidents, off", words(mode.value for mode in Mode)),
    "lateness": ("how long judging waits for late samples; default 0s", DURATION),
    "stale": ("when a metric's last value no longer counts; default 3 x every", DURATION),
    "reopen": ("firing again within this time reopens the same incident; default 30m", DURATION),
    "settle": ("how long an incident waits for its cause; default 30s, at most 5m", DURATION),
    "merge_window": ("incidents raised less than this before their cause are merged into it; default 10m", DURATION),
    "tests": ("tests of the rule; `iotops rules test` runs them", {"type": "array"}),
}
_METRIC: Final[Mapping[str, tuple[str, Schema]]] = {
    "unit": ("shown, and compared between metrics", TEXT),
    "kind": ("gauge (default), counter: only grows, state: any value, event: at its instant only", words(KINDS)),
    "every": ("the expected interval; default: the median of the last 10 gaps", DURATION),
    "valid": (
        "lowest and highest value; others count as missing",
        {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    ),
}
_FILE: Final[Mapping[str, str]] = {
    "defaults": "any key of a rule but alert and tests, for all rules of this file",
    "metrics": "what is known about metrics, for all files together",
    "closed": "a metric that no file lists is an error, not a note",
    "rules": "the rules of this file",
}


def rule_schema() -> Schema:
    """Return the JSON Schema (draft 7, which editors know best) of a rule file."""
    override = strict(_of(_OVERRIDE, OVERRIDE_KEYS), ["match", "params"])
    test = strict(_of(_TEST, TEST_KEYS), ["expect"])
    rule = _of(_RULE, RULE_KEYS)
    rule["overrides"]["items"] = override
    rule["tests"]["items"] = test
    twice = {"required": ["when", "severity"], "properties": {"when": {"type": "object"}}}
    defaults = strict({key: schema for key, schema in rule.items() if key in DEFAULT_KEYS})
    metric = strict(_of(_METRIC, METRIC_KEYS))
    values: Mapping[str, Schema] = {
        "defaults": defaults,
        "metrics": map_of({**metric, "type": ["object", "null"]}),
        "closed": {"enum": [True, False, "true", "false"]},
        "rules": {"type": ["array", "null"], "items": strict(rule, ["alert"], **{"not": twice})},
    }
    needed = [{"required": [key]} for key in ("when", "sequence") if key in RULE_KEYS]
    return {
        "$schema": DRAFT,
        "title": "iotops rules",
        **strict({key: {"description": _FILE[key], **values[key]} for key in FILE_KEYS}),
        "if": {"required": ["defaults"], "properties": {"defaults": {"anyOf": needed}}},
        "then": True,
        "else": {"properties": {"rules": {"items": {"anyOf": needed}}}},
    }


def _of(told: Mapping[str, tuple[str, Schema]], keys: Any) -> dict[str, Schema]:
    """Return the schema of each key of one of the loader's tables.

    Raises:
        KeyError: the loader knows a key that nothing is told of here.
    """
    return {key: {"description": told[key][0], **told[key][1]} for key in keys}
