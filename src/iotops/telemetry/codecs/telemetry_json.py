"""Codec `json`: one JSON object, or an array of them; see docs on devices for the members."""

from typing import Any

from iotops.errors import DecodeError
from iotops.telemetry.codecs.codec import Sample
from iotops.telemetry.document import parse_json
from iotops.telemetry.instant import event_time_ms
from iotops.telemetry.limits import Limits
from iotops.telemetry.reading import Value
from iotops.telemetry.topic import Topic
from iotops.telemetry.values import check_integer, check_text, collect

STAMPS = ("ts", "boot", "seq")
"""Members that say when and in which order; they are neither metrics nor labels."""
_MAX_BOOT_CHARS = 64


def decode_json(topic: Topic, payload: bytes, limits: Limits) -> list[Sample]:  # noqa: ARG001  every codec is called alike
    """Return the samples of one JSON object, or of an array of them.

    `ts`, `seq` and `boot` are not metrics; null there is as good as absent. The members of `metrics` are metrics under
    their own names, beside all other members.

    Raises:
        DecodeError: as `Codec` says.
    """
    document = parse_json(payload)
    if type(document) is dict:
        return [_sample(document, limits, limits.max_metrics)]
    if type(document) is not list:
        raise DecodeError("bad_type", f"expected a JSON object or an array of objects, found {type(document).__name__}")
    if len(document) > limits.max_readings:
        raise DecodeError("too_many_readings", f"{len(document)} readings in one array; at most {limits.max_readings}")
    samples: list[Sample] = []
    left = limits.max_metrics
    for element in document:
        if type(element) is not dict:
            raise DecodeError("bad_type", f"element {len(samples)} is {type(element).__name__}; expected an object")
        samples.append(_sample(element, limits, left))
        left -= len(samples[-1].values)
    if not samples:
        raise DecodeError("empty", "an array without readings")
    return samples


def read_stamps(document: dict[str, Any], limits: Limits) -> tuple[int | None, str | None, int | None]:
    """Return the event time (Unix milliseconds), `boot` and `seq` of a JSON object, each None where absent.

    Raises:
        DecodeError: `bad_time`, `bad_type`, `bad_text` or `out_of_range_int`.
    """
    return event_time_ms(document.get("ts")), _boot(document.get("boot"), limits), _seq(document.get("seq"))


def _sample(document: dict[str, Any], limits: Limits, max_metrics: int) -> Sample:
    sent_ms, boot, seq = read_stamps(document, limits)
    members = document.copy()
    for name in STAMPS:
        members.pop(name, None)
    values: dict[str, Value | None] = {}
    if type(members.get("metrics")) is dict:
        collect(members.pop("metrics"), limits, values)
    collect(members, limits, values)
    if len(values) > max_metrics:
        raise DecodeError("too_many_fields", f"more than {limits.max_metrics} metrics in one message")
    if not values:
        raise DecodeError("empty", "an object without any metric; send at least one, or the device's status")
    return Sample(values, document, sent_ms, boot, seq)


def _boot(found: object, limits: Limits) -> str | None:
    if found is None:
        return None
    if type(found) is int:  # a counter of boots is as good a name as any
        check_integer("boot", found)
        return str(found)
    if type(found) is not str or not 0 < len(found) <= _MAX_BOOT_CHARS:
        raise DecodeError("bad_type", f"boot is {ascii(found)[:80]}; expected a text of 1-{_MAX_BOOT_CHARS} characters")
    check_text("boot", found, limits)
    return found


def _seq(found: object) -> int | None:
    if found is None:
        return None
    if type(found) is not int:
        raise DecodeError("bad_type", f"seq is {ascii(found)[:80]}; expected an integer")
    check_integer("seq", found)
    return found
