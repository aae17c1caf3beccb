"""The ground truth of a run: one JSON object a line for each fault, written when the fault begins."""

from pathlib import Path
from typing import IO, Any

import msgspec

from iotops.durations import format_instant
from iotops.errors import ConfigurationError
from simulators.faults import Fault


class Truth:
    """What really went wrong; without a file it is kept for the summary only."""

    def __init__(self, file: Path | None) -> None:
        self.begun: list[Fault] = []
        try:
            self._stream: IO[bytes] | None = None if file is None else file.open("ab", buffering=0)
        except OSError as error:
            msg = f"truth {file}: {error.strerror}; write a path in a directory that exists"
            raise ConfigurationError(msg) from error

    def begin(self, fault: Fault) -> None:
        """Note a fault that begins now."""
        self.begun.append(fault)
        if self._stream is not None:
            self._stream.write(msgspec.json.encode(described(fault)) + b"\n")

    def close(self) -> None:
        """Close the file."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def described(fault: Fault) -> dict[str, Any]:
    """Return a fault as the truth file and the summary show it; `within` in seconds from `from`, per rule."""
    return {
        "id": fault.id,
        "kind": fault.kind,
        "site": fault.key.site,
        "device": fault.key.device,
        "metric": fault.metric,
        "from": format_instant(fault.from_ms),
        "to": format_instant(fault.to_ms),
        "rules": sorted(fault.expect),
        "within": {rule: delay_ms / 1000 for rule, delay_ms in sorted(fault.expect.items())},
        "also": list(fault.also),
        "affects": [str(key) for key in fault.affects],
    }
