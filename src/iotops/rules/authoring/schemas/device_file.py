"""The schema of devices.yaml."""

from typing import Final

from iotops.rules.authoring.schemas.rule_file import DRAFT
from iotops.rules.authoring.schemas.values import TEXT, Schema, strict

_ID: Final = {"type": ["string", "number", "boolean"], "pattern": "^[A-Za-z0-9_.:-]{1,64}$"}
_TOLD: Final = {
    "site": "where it stands; with `device` its identity",
    "device": "its id, the third level of its topics",
    "name": "what people call it",
    "type": "what it is; rules match by it",
    "model": "",
    "firmware": "",
    "gateway": "the device through which it speaks, of the same site, or SITE/DEVICE",
    "service": "the service that depends on it",
}


def device_schema() -> Schema:
    """Return the JSON Schema (draft 7) of devices.yaml; labels beyond the usual ones are the author's."""
    known = {key: {**(_ID if key in ("site", "device") else TEXT), "description": told} for key, told in _TOLD.items()}
    trust = {"enum": [True, False, "true", "false"], "description": "its status payload may set every label"}
    device = {
        "type": "object",
        "required": ["site", "device"],
        "properties": {**known, "trust_status": trust},
        "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
        "additionalProperties": TEXT,
    }
    devices = {"type": "array", "items": device, "description": "one entry for each device"}
    return {"$schema": DRAFT, "title": "iotops devices", **strict({"devices": devices}, ["devices"])}
