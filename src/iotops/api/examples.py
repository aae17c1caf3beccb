"""Examples for the OpenAPI document: what a schema names itself comes first, then words of the trade."""

from collections.abc import Mapping, Sequence
from typing import Any

from iotops.api.problems import PROBLEMS, Problem

WORDS: Mapping[str, str] = {
    "action": "acknowledge",
    "actor": "token:ana",
    "actor_kind": "token",
    "assignee": "ana",
    "because": "it stood at -9.0 °C, and above -18 °C is too warm",
    "calendar": "office",
    "cause": "the door stood open",
    "channel": "email",
    "code": "repaired",
    "contact": "desk@cashco.example",
    "csrf": "Xk2v0p1T",
    "detail": "bad_json: expected an object, found a list",
    "device": "fz-1",
    "devices": "paris/fz-1",
    "duplicate_of": "INC-000007",
    "file": "cold.yaml",
    "head": "{",
    "headline": "fz-1 at -9.0 °C",
    "hint": "declare the unit of `temp`",
    "holidays": "FR",
    "id": "cold-chain",
    "incident": "INC-000123",
    "incidents": "INC-000123",
    "instance": "paris/fz-1",
    "message": "temp is compared with itself",
    "metric": "temp",
    "name": "Cold chain",
    "note": "gasket replaced",
    "number": "INC-000123",
    "numbers": "INC-000123",
    "owner": "ana",
    "problem": "PRB-000001",
    "query": "state=new&priority=P1",
    "reason": "waiting for a spare part",
    "resolution_code": "repaired",
    "role": "operator",
    "root_cause": "the gaskets of this model harden",
    "route": "night shift",
    "rule": "freezer_warm",
    "rules": "freezer_warm",
    "runbook": "https://wiki.example/freezers",
    "service": "cold-chain",
    "services": "cold-chain",
    "severity": "warning",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "site": "paris",
    "sites": "paris",
    "sla_policy": "gold",
    "source": "pipeline",
    "state": "firing",
    "summary": "fz-1 at -9.0 °C",
    "supplier": "cashco",
    "suppliers": "cashco",
    "team": "field",
    "text": "the technician is on the way",
    "timezone": "Europe/Paris",
    "title": "fz-1 at -9.0 °C",
    "topic": "iot/paris/fz-1/telemetry",
    "unit": "°C",
    "verdict": "real",
    "workaround": "press the door shut",
}
AHEAD = frozenset(
    [
        "acknowledged_at",
        "cause",
        "closed_at",
        "delivered_at",
        "duplicate_of",
        "ended_at",
        "hold_reason",
        "hold_until",
        "merged_into",
        "muted_by",
        "recurrence_of",
        "redriven_at",
        "resolution_code",
        "resolved_at",
        "revoked_at",
        "verdict",
    ]
)
"""Members that an example leaves null: what they tell of has not happened yet."""
_PLAIN: Mapping[str, Any] = {"integer": 1, "number": 1.5, "boolean": True, "string": "text", "null": None}
_MEMBERS: Mapping[str, Mapping[str, Any]] = {
    "unknown_parameter": {"known": ["limit", "cursor"]},
    "validation_failed": {"errors": [{"place": "body.title", "detail": "Field required"}]},
    "illegal_transition": {"action": "hold", "state": "closed", "allowed_actions": ["comment"]},
}


def example_of(schema: Mapping[str, Any], schemas: Mapping[str, Any], name: str = "", *, sent: bool = False) -> Any:
    """Return a value that the schema allows; `name` is the member's, `sent` leaves out what a client need not say."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, name, sent=sent)
    if "examples" in schema:
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return example_of(_told(options, name, sent=sent), schemas, name, sent=sent)
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, sent=sent)
    if kind == "array":
        return [example_of(schema["items"], schemas, name, sent=sent)] if schema.get("items") else []
    if kind == "string" and name in WORDS:
        return WORDS[name]
    return max(_PLAIN.get(str(kind)), schema["minimum"]) if "minimum" in schema else _PLAIN.get(str(kind))


def problem_examples() -> dict[str, Any]:
    """Return one example of each problem, by its code."""
    return {
        code: {
            "summary": kind.title,
            "value": Problem(code, kind.title, **_MEMBERS.get(code, {})).body("/api/v1/incidents/INC-000123"),
        }
        for code, kind in PROBLEMS.items()
    }


def _told(options: Sequence[Mapping[str, Any]], name: str, *, sent: bool) -> Mapping[str, Any]:
    """Choose the option that tells most: null only where nothing is known to say instead."""
    for option in options:
        if name in AHEAD and not sent:
            break
        if option.get("type") != "string" or name in WORDS or {"examples", "enum", "const"} & option.keys():
            return option
    return options[-1]


def _object(schema: Mapping[str, Any], schemas: Mapping[str, Any], *, sent: bool) -> dict[str, Any]:
    required = schema.get("required", ())
    members = schema.get("properties", {})
    return {
        name: example_of(member, schemas, name, sent=sent)
        for name, member in members.items()
        if not sent or name in required or name in WORDS or "examples" in member
    }
