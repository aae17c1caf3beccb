"""The schema of each kind of value, as the loader's readers take it."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from iotops.rules.language.names import RESERVED
from iotops.rules.source.keys import SEVERITIES

Schema = dict[str, Any]

_DURATION: Final = r"(\d+(\.\d+)?(ms|[smhdw]))+"
_NUMBER: Final = r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?"
_SLOT: Final = rf"(_|[nN][aA][nN]|null|true|false|{_NUMBER}(\.\.{_NUMBER})?)(x\d+)?"
_STATES: Final = (*SEVERITIES, "resolved", "suppressed", "unknown", "known")

TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
EXPRESSION: Final[Schema] = {"type": ["string", "boolean", "number"], "pattern": r"\S"}
NUMBER: Final[Schema] = {"type": "number"}
DURATION: Final[Schema] = {
    "anyOf": [{"type": "string", "pattern": rf"^\s*{_DURATION}\s*$"}, {"enum": [0, "0"]}],
    "examples": ["10m", "90s", "1h30m"],
}
PARAMETER: Final[Schema] = {"anyOf": [NUMBER, DURATION]}
TEXTS: Final[Schema] = {"anyOf": [TEXT, {"type": "array", "items": TEXT, "minItems": 1}]}
TIME: Final = rf"^({_DURATION}|0)$"


def strict(properties: Mapping[str, Schema], required: Iterable[str] = (), **more: Any) -> Schema:
    """Return the schema of a map with these keys and no others."""
    found: Schema = {"type": "object", "additionalProperties": False, "properties": dict(properties), **more}
    return {**found, "required": list(required)} if required else found


def words(values: Iterable[str]) -> Schema:
    """Return the schema of a value that is one of some words."""
    return {"enum": list(values)}


def by_severity(value: Schema) -> Schema:
    """Return the schema of one value, or of a map of severities."""
    tiers = strict(dict.fromkeys(SEVERITIES, value), minProperties=1)
    return {"anyOf": [value, tiers]}


def map_of(value: Schema, names: Schema | None = None) -> Schema:
    """Return the schema of a map with names of the author's choice."""
    found: Schema = {"type": "object", "additionalProperties": value}
    return {**found, "propertyNames": names} if names is not None else found


LABEL_NAME: Final[Schema] = {"pattern": r"^(?!device\.)[A-Za-z_][A-Za-z0-9_.-]{0,99}$"}
PARAMETER_NAME: Final[Schema] = {
    "pattern": r"^[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]{0,99}$",
    "not": {"enum": sorted(RESERVED)},
}
MATCH: Final = map_of(TEXTS, LABEL_NAME)
PARAMS: Final = map_of(PARAMETER, PARAMETER_NAME)

_SERIES: Final[Schema] = {
    "anyOf": [{"type": "string", "pattern": rf"^\s*({_SLOT}(\s+{_SLOT})*)?\s*$"}, {"type": ["number", "boolean"]}],
    "examples": ["20x10 _x6 0..60x7 nan"],
}
_METRIC: Final[Schema] = {
    "anyOf": [
        _SERIES,
        strict({"file": {"type": "string", "description": "a CSV file with times and numbers"}}, ["file"]),
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "patternProperties": {TIME: {"type": ["string", "number", "boolean", "null"]}},
        },
    ]
}
GIVEN: Final[Schema] = {"anyOf": [map_of(_METRIC), map_of(map_of(_METRIC))]}
_STATE: Final[Schema] = {
    "anyOf": [
        words(_STATES),
        strict({"severity": words(_STATES), "state": words(_STATES), "summary": TEXT}, minProperties=1),
    ]
}
_TIMELINE: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "patternProperties": {TIME: {"anyOf": [_STATE, {"type": "array", "items": _STATE}]}},
}
EXPECT: Final[Schema] = {"anyOf": [_TIMELINE, map_of(_TIMELINE), {"type": "null"}]}
