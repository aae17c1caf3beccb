"""Units of metrics, as the catalogue of the rule files declares them."""

from pathlib import Path

from iotops.clock import monotonic_ms
from iotops.rules.rulefile import parse_rules
from iotops.rules.source.directory import read_sources

REREAD_MS = 30_000  # a new unit may show up on charts half a minute late; parsing every rule per request may not


class Units:
    """The catalogue as read last. Where this machine has no rule files every unit is unknown, and that is all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read_ms: int | None = None
        self._units: dict[str, str | None] = {}

    def unit_of(self, metric: str) -> str | None:
        """Return the unit of a metric, None where it is not declared."""
        if self._read_ms is None or monotonic_ms() - self._read_ms > REREAD_MS:
            self._read_ms = monotonic_ms()
            sources, _ = read_sources(self._directory)
            rule_set, _ = parse_rules(sources)
            self._units = {name: spec.unit for name, spec in rule_set.catalogue.items()}
        return self._units.get(metric)
