"""What the names of a rule's expressions refer to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotops.rules.language.names import Role, role_of
from iotops.rules.language.nodes import Path
from iotops.rules.language.signatures import REPORTED, Kind
from iotops.rules.rule import MetricSpec, Parameter

_KIND_OF_METRIC = {"gauge": Kind.NUMBER, "counter": Kind.NUMBER, "event": Kind.TEXT, "state": REPORTED}
_LABEL = Kind.TEXT | Kind.NUMBER | Kind.DURATION  # `device.limit` may be written "8" or "10m" in the registry
_FIXED = {Role.EVERY: Kind.DURATION, Role.ONLINE: Kind.TRUTH, Role.EVENT: Kind.TEXT}


@dataclass(frozen=True, slots=True)
class Scope:
    """The parameters of a rule, and the catalogue of metrics."""

    params: Mapping[str, Parameter] = field(default_factory=dict)
    catalogue: Mapping[str, MetricSpec] = field(default_factory=dict)

    def kind_of(self, path: Path) -> Kind:
        """Return what a name can be; a metric that the catalogue does not list is any of what devices report."""
        role = role_of(path, self.params)
        if role is Role.PARAMETER:
            return Kind.NUMBER if self.params[path.name].ms is None else Kind.DURATION
        if role is Role.LABEL:
            return Kind.TEXT if path.name in ("site", "device", "name") else _LABEL
        if role is Role.METRIC:
            spec = self.catalogue.get(path.name)
            return REPORTED if spec is None else _KIND_OF_METRIC[spec.kind]
        return _FIXED[role]
