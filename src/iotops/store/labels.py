"""What a device is called and labelled: three layers, the strongest of which counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotops.telemetry.reading import DeviceKey

Labels = Mapping[str, str]

FROM_STATUS = frozenset({"type", "model", "firmware", "name"})
"""What a status payload may set where devices.yaml does not trust it with the rest."""


@dataclass(frozen=True, slots=True)
class Layers:
    """A device's labels by who said them: its status payload, `devices.yaml`, the API."""

    status: Labels = field(default_factory=dict)
    file: Labels = field(default_factory=dict)
    api: Labels = field(default_factory=dict)

    def effective(self, *, trust_status: bool) -> dict[str, str]:
        """Return label -> value: the API beats the file, the file beats the status payload."""
        said = self.status if trust_status else {k: v for k, v in self.status.items() if k in FROM_STATUS}
        return {**said, **self.file, **self.api}


def effective_labels(key: DeviceKey, layers: Layers, *, trust_status: bool) -> dict[str, str]:
    """Return label -> value as rules see it: `name` falls back on the device's own, `site` and `device` are its key."""
    said = layers.effective(trust_status=trust_status)
    return {"name": key.device, **said, "site": key.site, "device": key.device}
