"""Read YAML values as numbers and durations; a value that does not fit is logged, and answered with None."""

import re

from iotops.rules.language.timewords import duration_hint, duration_ms
from iotops.rules.rule import Parameter
from iotops.rules.source.nodes import YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog
from iotops.rules.source.values import wrong_value

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]\d+)?")
_EXPONENT = re.compile(r"[-+]?\d+(?:\.\d*)?[eE]\d+|[-+]?\d+[eE][-+]\d+")  # text to YAML 1.1, which wants 1.0e+3
_DURATION_LIKE = re.compile(r"\s*\d[\d.]*\s*[^\W\d]+.*")


def read_duration(log: FindingLog, node: YamlNode) -> int | None:
    """Return milliseconds; a plain 0 needs no unit."""
    text = node.text if isinstance(node, YamlScalar) else ""
    if isinstance(node, YamlScalar) and node.broken:
        return None
    if text == "0":
        return 0
    try:
        return duration_ms(text)
    except ValueError as error:
        hint = "write less than ten years" if "longer than" in str(error) else duration_hint(text[:40])
        wrong_value(log, node, "a duration", hint)
        return None


def read_number(log: FindingLog, node: YamlNode, expected: str = "a number") -> float | int | None:
    """Return a finite number; integers stay integers."""
    if isinstance(node, YamlScalar) and node.broken:
        return None
    text = node.text if isinstance(node, YamlScalar) and not node.style else ""
    if _EXPONENT.fullmatch(text):
        message = f"YAML reads {text} as text, not as a number"
        log.error(node.start, node.end, "yaml-exponent", message, f"write {float(text):.15g}" if len(text) < 20 else "")
        return None
    if not _NUMBER.fullmatch(text):
        wrong_value(log, node, expected)
        return None
    if len(text) > 300 or float(text) in (float("inf"), float("-inf")):
        log.error(node.start, node.end, "number-too-large", "this number is too large", "at most 1e308")
        return None
    return int(text) if re.fullmatch(r"[-+]?\d+", text) else float(text)


def read_parameter(log: FindingLog, node: YamlNode) -> Parameter | None:
    """Return a named number or duration."""
    text = node.text if isinstance(node, YamlScalar) else ""
    if _DURATION_LIKE.fullmatch(text) and not _EXPONENT.fullmatch(text) and not _NUMBER.fullmatch(text):
        ms = read_duration(log, node)
        return None if ms is None else Parameter(ms=ms)
    number = read_number(log, node, "a number or a duration")
    return None if number is None else Parameter(number=number)
