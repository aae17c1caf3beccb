"""What processes used, from /proc."""

import contextlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """CPU seconds so far, and the largest resident memory so far (MiB)."""

    cpu_s: float
    rss_mib: float

    def since(self, before: "Used") -> dict[str, float]:
        """Return what was used from `before` to here."""
        return {"cpu_s": round(self.cpu_s - before.cpu_s, 2), "rss_mib": round(self.rss_mib, 1)}


def used(pid: int) -> Used:
    """Return what a process that runs, with all its threads, has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return Used((int(fields[11]) + int(fields[12])) / _TICKS, int(peak[1]) / 1024 if peak else 0.0)


def used_since(before: Mapping[str, Used], pids: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Return what processes that run have used from `before` to here, by name."""
    return {name: used(pid).since(before[name]) for name, pid in pids.items()}


def forget_peak() -> None:
    """Let our own largest resident memory count from here."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
