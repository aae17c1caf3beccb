"""JSON as devices send it, read strictly and fast."""

import json
import math
from typing import Any, NoReturn

import msgspec

from iotops.errors import DecodeError

_decode = msgspec.json.Decoder().decode
_INT64_DIGITS = 19


def parse_json(payload: bytes) -> Any:
    """Return the value that a JSON payload holds.

    Refused are NaN, Infinity, numbers that overflow, anything that is not UTF-8, lone surrogates, a byte order mark,
    text after the value, and comments. Of equal keys in one object the last counts, as in nearly every reader of
    JSON (RFC 8259, section 4); refusing them would take a second pass over every payload.

    Raises:
        DecodeError: `bad_utf8`, `bad_json`, `too_deep`, `nan_inf` or `out_of_range_int`.
    """
    try:
        return _decode(payload)
    except RecursionError:
        raise DecodeError("too_deep", "objects or arrays are nested hundreds deep") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        _explain(payload, str(error))


def _explain(payload: bytes, said: str) -> NoReturn:
    """Say what is wrong with a payload that the fast reader refused, by reading it again slowly."""
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError("bad_utf8", f"byte {payload[error.start]:#04x} at {error.start}: {error.reason}") from None
    try:
        json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_constant)
    except RecursionError:
        raise DecodeError("too_deep", "objects or arrays are nested hundreds deep") from None
    except json.JSONDecodeError as error:
        raise DecodeError("bad_json", f"{error.msg} at byte {error.pos}; expected one JSON value") from None
    raise DecodeError("bad_json", said)  # only the fast reader refuses it: a lone surrogate


def _int(digits: str) -> int:
    if len(digits.lstrip("-")) > _INT64_DIGITS:
        raise DecodeError("out_of_range_int", f"{digits[:24]}... has more digits than 64 bits hold")
    return int(digits)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise DecodeError("nan_inf", f"{text[:40]} is too large for a number")
    return value


def _constant(text: str) -> NoReturn:
    raise DecodeError("nan_inf", f"{text} is not JSON; leave the metric out, or send null")
