"""Codec `scalar`: one bare value, its metric named by the topic."""

import re

import msgspec

from iotops.errors import DecodeError
from iotops.telemetry.codecs.codec import Sample
from iotops.telemetry.limits import Limits
from iotops.telemetry.reading import Value
from iotops.telemetry.topic import Topic
from iotops.telemetry.values import check_integer, check_text

# Written out because float() reads more than devices mean: "1_000", fullwidth digits, "infinity".
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_BLANK = " \t\r\n"
_INFINITIES = (float("inf"), float("-inf"))


def decode_scalar(topic: Topic, payload: bytes, limits: Limits) -> list[Sample]:
    """Return the one sample of a bare value: a number, `true`, `false`, `null` (any case), or else text as it stands.

    Blanks around it are dropped. A decimal comma, digits of other scripts and `1_000` are text, and so is everything
    in double quotes, which is read as JSON reads it.

    Raises:
        DecodeError: `bad_utf8`, `empty`, `bad_scalar` for an object or array, `nan_inf`, `out_of_range_int`,
            `text_too_long` or `bad_text`.
    """
    name = topic.metric or topic.leaf
    text = read_text(payload)
    quoted = unquoted(text)
    value = quoted if quoted is not None else _value(name, text)
    if type(value) is str:
        check_text(name, value, limits)
    return [Sample({name: value}, text)]


def read_text(payload: bytes) -> str:
    """Return a payload as text without the blanks around it; at least one character.

    Raises:
        DecodeError: `bad_utf8` or `empty`.
    """
    try:
        text = payload.decode("utf-8").strip(_BLANK)
    except UnicodeDecodeError as error:
        raise DecodeError("bad_utf8", f"byte {payload[error.start]:#04x} at {error.start}: {error.reason}") from None
    if not text:
        raise DecodeError("empty", "nothing but blanks")
    return text


def unquoted(text: str) -> str | None:
    """Return what a JSON string holds, or None where the text is none."""
    if text[0] != '"':
        return None
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.MsgspecError:
        return None


def _value(name: str, text: str) -> Value | None:
    if _INTEGER.fullmatch(text):
        number = int(text)
        check_integer(name, number)
        return number
    if _NUMBER.fullmatch(text):
        return _float(name, text)
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NOT_FINITE.fullmatch(text):
        raise DecodeError("nan_inf", f"{name!a} is {text}; publish nothing, or null, where there is no value")
    if text[:1] in ("{", "["):
        raise DecodeError("bad_scalar", "found a JSON object or array; publish it to .../telemetry")
    return text


def _float(name: str, text: str) -> float:
    if text.lstrip("+-").isdigit():
        raise DecodeError("out_of_range_int", f"{name!a} is an integer of {len(text)} digits; 64 bits hold 19")
    value = float(text)
    if value in _INFINITIES:
        raise DecodeError("nan_inf", f"{name!a} is {text[:40]}, too large for a number")
    return value
