"""How much memory rules will take: what their windows keep of what devices report."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from iotops.rules.authoring.fleet import Fleet
from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Window
from iotops.rules.language.usage import paths_in
from iotops.rules.language.walk import walk
from iotops.rules.matching import matches
from iotops.rules.plan import EVIDENCE_SAMPLES
from iotops.rules.rule import MetricSpec
from iotops.rules.series import UNKNOWN_EVERY_MS
from iotops.rules.source.drafts import Draft

_SAMPLE_BYTES: Final = 73  # a time and a float in a series, by tracemalloc on CPython 3.11
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

    A metric counts with its declared interval, else with one sample a minute.
    """
    needs = [(draft.found.get("match", {}), _samples(draft, catalogue)) for draft in drafts]
    everything = _bytes(samples for _, samples in needs)
    if fleet is None:
        return Footprint(everything)
    members = [(member, [found for match, found in needs if matches(match, member.labels)]) for member in fleet]
    total = sum(_bytes(_reported(found, member.metrics) for found in each) for member, each in members)
    return Footprint(everything, total)


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
                spec = catalogue.get(node.path.name)
                every_ms = (spec.every_ms if spec else None) or UNKNOWN_EVERY_MS
                need = node.count or ceil((node.span_ms or 0) / every_ms)
                found[node.path.name] = max(found.get(node.path.name, EVIDENCE_SAMPLES), need)
    return found


def _reported(samples: Mapping[str, int], metrics: frozenset[str]) -> dict[str, int]:
    return {metric: count for metric, count in samples.items() if metric in metrics}


def _bytes(needs: Iterable[Mapping[str, int]]) -> int:
    longest: dict[str, int] = {}
    for samples in needs:
        for metric, count in samples.items():
            longest[metric] = max(longest.get(metric, 0), count)
    return sum(_METRIC_BYTES + _SAMPLE_BYTES * count for count in longest.values())
