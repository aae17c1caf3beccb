"""Who may come in: bounds on devices and on metric names, so that nobody fills memory by inventing them."""

from collections.abc import Container, Mapping, Sequence, Sized
from dataclasses import replace
from typing import Protocol

from iotops.telemetry.decode import DeadLetter, Decoded
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey, Reading
from iotops.telemetry.skew import AHEAD


class Register(Sized, Container[object], Protocol):
    """The devices that are known already, and how many they are."""


class Admission:
    """Refuses messages of devices, or with metrics, beyond what the settings allow.

    Metric names count from the start of the ingest. Being asked twice about a message changes nothing, so that a batch
    that fails needs no undoing here.

    Args:
        max_devices: most devices, those of `devices.yaml` included.
        max_metrics: most metric names of one device.
    """

    def __init__(self, max_devices: int, max_metrics: int) -> None:
        self._max_devices = max_devices
        self._max_metrics = max_metrics
        self._names: dict[DeviceKey, frozenset[str]] = {}
        # Devices of one make name the same metrics, and share one set of them.
        self._shared: dict[frozenset[str], frozenset[str]] = {}

    def admit(self, decoded: Decoded, messages: Sequence[Message], known: Register) -> Decoded:
        """Return what may come in; every other message is a dead letter as a whole, `device_limit` or `metric_limit`.

        Args:
            decoded: what the messages hold.
            messages: of the batch.
            known: devices of the batches before, and of `devices.yaml`.
        """
        refused: dict[int, tuple[str, str]] = {}
        new: set[DeviceKey] = set()
        for reading in decoded.readings:
            if reading.message in refused:
                continue
            if reading.key not in known and reading.key not in new:
                if len(known) + len(new) >= self._max_devices:
                    refused[reading.message] = "device_limit", f"{self._max_devices} devices are known already"
                    continue
                new.add(reading.key)
            if not reading.values.keys() <= self._names.get(reading.key, _NONE) and not self._learn(reading):
                found = f"{reading.key} has named {self._max_metrics} metrics already"
                refused[reading.message] = "metric_limit", found
        return _without(decoded, messages, refused) if refused else decoded

    def _learn(self, reading: Reading) -> bool:
        names = self._names.get(reading.key, _NONE).union(reading.values) - {AHEAD}  # nothing that it sent
        if len(names) > self._max_metrics:
            return False
        self._names[reading.key] = self._shared.setdefault(names, names)
        return True


_NONE: frozenset[str] = frozenset()


def _without(decoded: Decoded, messages: Sequence[Message], refused: Mapping[int, tuple[str, str]]) -> Decoded:
    letters = [DeadLetter(messages[index], reason, detail, index) for index, (reason, detail) in refused.items()]
    return replace(
        decoded,
        readings=tuple(reading for reading in decoded.readings if reading.message not in refused),
        dead_letters=tuple(sorted((*decoded.dead_letters, *letters), key=lambda letter: letter.index)),
    )
