"""Values and names of metrics: what can be kept, and the same on every database."""

from collections.abc import Mapping
from typing import Any

from iotops.errors import DecodeError
from iotops.telemetry.limits import Limits
from iotops.telemetry.reading import Value
from iotops.telemetry.skew import AHEAD

OWN_NAMES = frozenset({AHEAD, "@online"})
"""Names under which iotops itself keeps something of a device."""
INT64_MIN = -(2**63)
INT64_MAX = 2**63 - 1


def check_name(name: str, limits: Limits) -> None:
    """Refuse a metric name that cannot be shown or written in a rule.

    Raises:
        DecodeError: `bad_name`.
    """
    if name in OWN_NAMES:
        raise DecodeError("bad_name", f"metric name {name!a}: iotops itself says that; send another name")
    if not name or len(name) > limits.max_name_chars or not name.isprintable():
        expected = f"expected 1-{limits.max_name_chars} printable characters"
        raise DecodeError("bad_name", f"metric name {name[:80]!a} of {len(name)} characters; {expected}")


def check_integer(name: str, value: int) -> None:
    """Refuse an integer that neither database can keep.

    Raises:
        DecodeError: `out_of_range_int`.
    """
    if not INT64_MIN <= value <= INT64_MAX:
        raise DecodeError("out_of_range_int", f"{name!a} is an integer beyond 64 bits; send it as text or as a float")


def check_text(name: str, value: str, limits: Limits) -> None:
    """Refuse a text that is too long, or that PostgreSQL cannot keep.

    Raises:
        DecodeError: `text_too_long` or `bad_text`.
    """
    if len(value) > limits.max_text_chars:
        raise DecodeError(
            "text_too_long", f"{name!a} has {len(value)} characters; at most {limits.max_text_chars} are kept"
        )
    if "\0" in value:
        raise DecodeError("bad_text", f"{name!a} holds the character NUL")


def collect(
    members: Mapping[str, Any],
    limits: Limits,
    into: dict[str, Value | None],
    prefix: str = "",
    depth: int = 1,
) -> None:
    """Add the members of a JSON object to `into`: metric name -> value, members of nested objects under dotted names.

    Integers stay integers, truth values stay truth values, null is None. Where two paths give one name
    (`{"a": {"b": 1}, "a.b": 2}`) the later counts.

    Raises:
        DecodeError: `bad_type` for an array, `too_deep`, or what the checks above say.
    """
    for member, value in members.items():
        name = prefix + member
        if not member.isprintable() or not member or len(name) > limits.max_name_chars:
            check_name(member and name, limits)
        kind = type(value)
        if kind is float or kind is bool or value is None:
            pass
        elif kind is int:
            check_integer(name, value)
        elif kind is str:
            check_text(name, value, limits)
        elif kind is dict:
            if depth >= limits.max_depth:
                raise DecodeError("too_deep", f"{name!a} is an object at depth {depth + 1}; at most {limits.max_depth}")
            collect(value, limits, into, f"{name}.", depth + 1)
            continue
        else:
            raise DecodeError("bad_type", f"{name!a} is an array; expected a number, truth value, text, null or object")
        into[name] = value
