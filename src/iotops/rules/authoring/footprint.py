"""How much memory rules will take: what their windows keep of what devices report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final, NamedTuple

from iotops.rules.authoring.fleet import Fleet
from iotops.rules.delay import HELD
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Window
from iotops.rules.language.reach import DEVICE
from iotops.rules.language.usage import paths_in
from iotops.rules.language.walk import walk
from iotops.rules.matching import matches
from iotops.rules.plan import EVIDENCE_SAMPLES
from iotops.rules.rule import MetricSpec
from iotops.rules.series import UNKNOWN_EVERY_MS
from iotops.rules.source.drafts import Draft

_SAMPLE_BYTES: Final = 73  # a time and a float in a series, by tracemalloc on CPython 3.11
_HELD_BYTES: Final = 605  # a reading that waits to be judged, likewise
_METRIC_BYTES: Final = 900  # a series with nothing in it, and its frame


@dataclass(frozen=True, slots=True)
class Footprint:
    """Estimated bytes that samples and windows take.

    Attributes:
        per_device: of a device that every rule matches.
        total: of all devices that there are; None where they are not known.
    """

    per_device: int
    total: int | None = None


def footprint(drafts: Iterable[Draft], catalogue: Mapping[str, MetricSpec], fleet: Fleet | None) -> Footprint:
    """Estimate what rules keep; devices keep of each metric what the longest window over it needs, once for all rules.

    Once more for each `lateness`, which has a memory of its own, with what waits to be judged. A metric counts with
    its declared interval, else with one sample a minute.
    """
    needs = [(draft.found.get("match", {}), _needed(draft, catalogue)) for draft in drafts]
    everything = _bytes(samples for _, samples in needs)
    if fleet is None:
        return Footprint(everything)
    members = [(member, [found for match, found in needs if matches(match, member.labels)]) for member in fleet]
    total = sum(_bytes(_reported(found, member.metrics) for found in each) for member, each in members)
    return Footprint(everything, total)


class _Metric(NamedTuple):
    """A metric as rules with one lateness see it."""

    name: str
    lateness_ms: int
    every_ms: int


def _needed(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> dict[_Metric, int]:
    lateness_ms = draft.found.get("lateness", 0) if draft.per == DEVICE else 0
    samples = _samples(draft, catalogue)
    return {_Metric(name, lateness_ms, _every_ms(name, catalogue)): count for name, count in samples.items()}


def _every_ms(name: str, catalogue: Mapping[str, MetricSpec]) -> int:
    spec = catalogue.get(name)
    return (spec.every_ms if spec else None) or UNKNOWN_EVERY_MS


def _samples(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> dict[str, int]:
    """Return metric -> samples that a rule needs of it."""
    params = draft.found.get("params", {})
    found: dict[str, int] = {}
    for written in (*draft.conditions, *(draft.summary.slots if draft.summary else ())):
        for path in paths_in(written.expression.root):
            if role_of(path, params) is Role.METRIC:
                found.setdefault(path.name, EVIDENCE_SAMPLES)
        for node in walk(written.expression.root):
            if isinstance(node, Window):
                need = node.count or ceil((node.span_ms or 0) / _every_ms(node.path.name, catalogue))
                found[node.path.name] = max(found.get(node.path.name, EVIDENCE_SAMPLES), need)
    return found


def _reported(samples: Mapping[_Metric, int], metrics: frozenset[str]) -> dict[_Metric, int]:
    return {metric: count for metric, count in samples.items() if metric.name in metrics}


def _bytes(needs: Iterable[Mapping[_Metric, int]]) -> int:
    longest: dict[_Metric, int] = {}
    for samples in needs:
        for metric, count in samples.items():
            longest[metric] = max(longest.get(metric, 0), count)
    kept = sum(_METRIC_BYTES + _SAMPLE_BYTES * count for count in longest.values())
    waiting: dict[int, int] = {}
    for metric in longest:  # a device sends its metrics together: its fastest one says how many readings wait
        held = min(HELD, metric.lateness_ms // metric.every_ms)
        waiting[metric.lateness_ms] = max(waiting.get(metric.lateness_ms, 0), held)
    return kept + _HELD_BYTES * sum(waiting.values())
