"""Whether there is room to write, and whether others can read what is secret."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from iotops.checkup.check import Check
from iotops.errors import ConfigurationError
from iotops.notify.routefile import FILE as NOTIFY
from iotops.notify.secrets import files_in
from iotops.settings import Settings
from iotops.store.database import Database

_LITTLE_BYTES = 2 * 1024**3  # a fleet of 1 000 messages a second writes this in some hours
_NOTHING_BYTES = 100 * 1024**2  # SQLite's log alone may take this much between two checkpoints


def check_disk(settings: Settings) -> Iterator[Check]:
    """Look at the space beside the SQLite file, and whether it can be written; PostgreSQL's disk is not ours to see."""
    file = _database_file(settings)
    if file is None:
        return
    free = shutil.disk_usage(file.parent).free
    found = f"{free / 1024**3:.1f} GiB free in {file.parent}"
    if free < _NOTHING_BYTES:
        yield Check("disk", "failed", found, "make room: when it is full, nothing is acknowledged any more")
    elif free < _LITTLE_BYTES:
        yield Check("disk", "warning", found, "make room, or shorten retention.raw_ms and run `iotops db prune`")
    else:
        yield Check("disk", "ok", found)
    blocked = [path for path in (file, file.parent) if path.exists() and not os.access(path, os.W_OK)]
    if blocked:
        yield Check("disk", "failed", f"{blocked[0]} cannot be written by us", "change its owner or its mode")


def check_secrets(settings: Settings) -> Iterator[Check]:
    """Look whether files with secrets can be read by every user of this machine."""
    named = {
        "broker.password_file": settings.broker.password_file,
        "broker.key_file": settings.broker.key_file,
        "api.key_file": settings.api.key_file,
        "database": _database_file(settings),
    }
    there = [file for file in named.values() if file is not None and file.exists()] + _kept_elsewhere(settings)
    open_to_all = [file for file in there if file.stat().st_mode & stat.S_IROTH]
    for name, file in named.items():
        if file is not None and name != "database" and not os.access(file, os.R_OK):
            yield Check("secrets", "failed", f"{name} {file} cannot be read", "name an existing file that we may read")
    for file in open_to_all:
        yield Check("secrets", "warning", f"every user of this machine can read {file}", f"chmod o-r {file}")
    if there and not open_to_all:
        yield Check("secrets", "ok", "no file with secrets can be read by everybody")


def _kept_elsewhere(settings: Settings) -> list[Path]:
    """Return the secrets that `iotops devices` has written, and the files that notify.yaml refers to."""
    notify, keys = settings.rules.directory / NOTIFY, settings.enrolment.directory
    referred = files_in(notify.read_text(encoding="utf-8", errors="replace")) if notify.is_file() else []
    written = [keys / "ca.key", keys / "ingest.password", keys / "passwords", *keys.glob("issued/*.key")]
    return [file for file in (*written, *referred) if file.is_file()]


def _database_file(settings: Settings) -> Path | None:
    try:
        return Database.open(settings.database.url.get_secret_value()).file
    except ConfigurationError:  # told by the check of the database
        return None
