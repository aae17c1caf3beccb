"""The machine that figures come from. Without it they say nothing."""

import os
import platform
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import fsync_ms
from iotops.broker.mosquitto import find_mosquitto

PACKAGES = ("iotops", "paho-mqtt", "msgspec", "sqlalchemy", "psycopg")
IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs", "hugetlbfs"})


class Unsuitable(Exception):
    """Figures from here would mean nothing; the text says why and what to do."""


def file_system(directory: Path, mounts: str | None = None) -> str:
    """Return the type of the file system that holds a directory; `mounts`: in the format of /proc/mounts."""
    table = Path("/proc/mounts").read_text() if mounts is None else mounts
    found, longest = "unknown", -1
    for line in table.splitlines():
        _, where, kind, *_ = line.split(" ")
        mount = Path(where.replace("\\040", " "))
        if directory.resolve().is_relative_to(mount) and len(mount.parts) >= longest:
            found, longest = kind, len(mount.parts)
    return found


def check_disk(directory: Path, mounts: str | None = None) -> None:
    """Refuse a directory in which a commit never reaches a disk.

    Raises:
        Unsuitable: it is on a memory file system.
    """
    kind = file_system(directory, mounts)
    if kind in IN_MEMORY:
        msg = f"{directory} is on {kind}, where nothing is durable; name a folder on a disk with --directory"
        raise Unsuitable(msg)


def describe(directory: Path) -> dict[str, Any]:
    """Return what of the machine decides about figures."""
    return {
        "kind": kind(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": file_system(directory),
        "fsync_ms": round(fsync_ms(directory), 3),
        "versions": _versions(),
    }


def kind() -> str:
    """Return the name under which results of such machines are kept, as in `amd-epyc-2-cores`."""
    return re.sub(r"[^a-z0-9]+", "-", f"{_cpu()} {os.cpu_count()} cores".lower()).strip("-")


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _versions() -> Mapping[str, str]:
    found = {name: version(name) for name in PACKAGES}
    mosquitto = find_mosquitto()
    said = subprocess.run([mosquitto, "-h"], capture_output=True, text=True, check=False).stdout if mosquitto else ""
    return {
        "python": platform.python_version(),
        **found,
        "sqlite": sqlite3.sqlite_version,
        "mosquitto": said.partition("\n")[0].removeprefix("mosquitto version ") or "not installed",
    }
