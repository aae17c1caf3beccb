"""The `metrics` of rule files: what a metric is, and how often it comes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from iotops.rules.rule import MetricSpec
from iotops.rules.source.keys import Reader, read_keys
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.numbers import read_duration, read_number
from iotops.rules.source.text import FindingLog
from iotops.rules.source.values import read_text, read_word, wrong_value

KINDS = ("gauge", "counter", "state", "event")


@dataclass(frozen=True, slots=True)
class Declaration:
    """A metric as one file declares it, and where."""

    spec: MetricSpec
    log: FindingLog
    key: YamlScalar


def read_catalogue(log: FindingLog, node: YamlNode) -> tuple[Declaration, ...] | None:
    """Return the metrics that a file declares."""
    if not isinstance(node, YamlMap):
        wrong_value(log, node, "a map, metric: {unit: ..., kind: ...}")
        return None
    return tuple(Declaration(_spec(log, key, value), log, key) for key, value in node.entries if not key.broken)


def merge(declarations: Iterable[Declaration]) -> dict[str, MetricSpec]:
    """Return one catalogue for all files; two files that disagree about a metric are logged."""
    first: dict[str, Declaration] = {}
    for found in declarations:
        other = first.setdefault(found.spec.name, found)
        if other.spec != found.spec:
            place = other.log.source.position(other.key.start)
            message = f'metric "{found.spec.name}" is declared differently at {place}'
            found.log.error(found.key.start, found.key.end, "metric-conflict", message, "declare it once, or alike")
    return {name: declaration.spec for name, declaration in first.items()}


def _spec(log: FindingLog, key: YamlScalar, node: YamlNode) -> MetricSpec:
    found: dict[str, Any] = {}
    if isinstance(node, YamlMap):
        found = read_keys(log, node, METRIC_KEYS, "a metric")
    elif not (isinstance(node, YamlScalar) and not node.style and not node.text):
        wrong_value(log, node, "a map, {unit: ..., kind: ...}")
    return MetricSpec(key.text, found.get("kind", "gauge"), found.get("unit"), found.get("every"), found.get("valid"))


def _every(log: FindingLog, node: YamlNode) -> int | None:
    found = read_duration(log, node)
    if found == 0:
        log.error(node.start, node.end, "bad-value", "a metric cannot come every 0s", "write 10s, for instance")
        return None
    return found


def _valid(log: FindingLog, node: YamlNode) -> tuple[float, float] | None:
    if not isinstance(node, YamlList) or len(node.items) != 2:
        wrong_value(log, node, "the lowest and the highest value, [-60, 80]")
        return None
    low, high = (read_number(log, item) for item in node.items)
    if low is None or high is None:
        return None
    if low > high:
        log.error(
            node.start,
            node.end,
            "bad-value",
            f"no value is at least {low} and at most {high}",
            f"write [{high}, {low}]",
        )
        return None
    return low, high


METRIC_KEYS: Mapping[str, Reader] = {"unit": read_text, "kind": read_word(KINDS), "every": _every, "valid": _valid}
