"""Codec `status`: whether a device is online, and what it says of itself; also its last will."""

from typing import Any

from iotops.errors import DecodeError
from iotops.telemetry.codecs.codec import Sample
from iotops.telemetry.codecs.scalar import read_text, unquoted
from iotops.telemetry.codecs.telemetry_json import STAMPS, read_stamps
from iotops.telemetry.document import parse_json
from iotops.telemetry.limits import Limits
from iotops.telemetry.topic import Topic
from iotops.telemetry.values import check_name, check_text

_STATES = {"online": True, "offline": False}
_MAX_LABELS = 32
_MAX_LABEL_NAME_CHARS = 64
_MAX_LABEL_CHARS = 256


def decode_status(topic: Topic, payload: bytes, limits: Limits) -> list[Sample]:  # noqa: ARG001  every codec is called alike
    """Return the one sample `{"online": bool}` of `online`, `offline`, or `{"state": "online", ...labels}`.

    Letter case does not matter. Members that are not text are no labels and are left out. A last will is
    written when the device connects: it should carry no `ts`, or it is dated back to then.

    Raises:
        DecodeError: `bad_status`, `text_too_long` or `too_many_fields` for labels, and what JSON and text may raise.
    """
    text = read_text(payload)
    if text[0] not in "{[":
        return [Sample({"online": _online(unquoted(text) or text)}, text)]
    document = parse_json(payload)
    if type(document) is not dict:
        raise DecodeError("bad_status", "found an array; a device has one status at a time")
    sent_ms, boot, seq = read_stamps(document, limits)
    online = _online(document.get("state"))
    return [Sample({"online": online}, document, sent_ms, boot, seq, _labels(document, limits))]


def _online(found: object) -> bool:
    online = _STATES.get(found.casefold()) if isinstance(found, str) else None
    if online is None:
        raise DecodeError("bad_status", f"found {ascii(found)[:80]}; expected online or offline")
    return online


def _labels(members: dict[str, Any], limits: Limits) -> dict[str, str]:
    labels = {n: v for n, v in members.items() if type(v) is str and n != "state" and n not in STAMPS}
    if len(labels) > _MAX_LABELS:
        raise DecodeError("too_many_fields", f"{len(labels)} labels in one status; at most {_MAX_LABELS}")
    for name, value in labels.items():
        check_name(name, limits)
        check_text(name, value, limits)
        if len(name) > _MAX_LABEL_NAME_CHARS or len(value) > _MAX_LABEL_CHARS:
            limit = f"at most {_MAX_LABEL_NAME_CHARS} and {_MAX_LABEL_CHARS} characters"
            raise DecodeError("text_too_long", f"label {name[:80]!a}: name or value too long; {limit}")
    return labels
