"""What a process holds of its machine: open files, threads, memory."""

import os
import threading
from pathlib import Path
from typing import NamedTuple

_SPARE_FILES = 12  # connections that pools keep open
_SPARE_BYTES = 64 << 20
_SELF = Path("/proc/self")


class Footprint(NamedTuple):
    """Open files, threads, and bytes of memory that are resident; 0 where the system does not say."""

    files: int
    threads: int
    resident: int

    @classmethod
    def now(cls) -> "Footprint":
        """Measure this process; files and memory on Linux only."""
        if not (_SELF / "statm").exists():
            return cls(0, threading.active_count(), 0)
        pages = int((_SELF / "statm").read_text().split()[1])
        return cls(
            sum(1 for _ in (_SELF / "fd").iterdir()), threading.active_count(), pages * os.sysconf("SC_PAGE_SIZE")
        )

    def outgrown(self, now: "Footprint", spare_threads: int) -> bool:
        """Tell whether there is more now than this and a tenth; a few connections and 64 MB are no growth."""
        return (
            now.files > self.files * 1.1 + _SPARE_FILES
            or now.threads > self.threads * 1.1 + spare_threads
            or now.resident > self.resident * 1.1 + _SPARE_BYTES
        )

    def __str__(self) -> str:
        return f"{self.files} files, {self.threads} threads, {self.resident >> 20} MB"
