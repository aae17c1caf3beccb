"""What people send along when they ask for help: one file, in which nothing is secret and nothing is a device's."""

import json
import os
import platform
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from iotops.checkup.check import Check, existing_database
from iotops.clock import now_ms
from iotops.durations import format_instant
from iotops.errors import ConfigurationError, IotopsError
from iotops.settings import Settings
from iotops.store import heartbeats

_AT_MOST_OURS = 0o600


def write_bundle(file: Path, settings: Settings, effective: Mapping[str, Any], checks: Sequence[Check]) -> None:
    """Write settings, findings, versions and the processes' signs of life into a new zip file of mode 0600.

    Args:
        file: must not be there yet.
        settings: where the signs of life are.
        effective: the settings as they may be shown.
        checks: what was found.

    Raises:
        ConfigurationError: the file is there, or cannot be written.
    """
    parts = {
        "settings.json": effective,
        "checks.json": [asdict(check) for check in checks],
        "versions.json": _versions(),
        "signs.json": _signs(settings),
    }
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _AT_MOST_OURS)
        with os.fdopen(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, part in parts.items():
                bundle.writestr(name, json.dumps(part, indent=1, sort_keys=True, default=str))
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}; name a new file in a folder that we may write") from error


def _versions() -> Mapping[str, Any]:
    packages = {each.name: each.version for each in distributions()}
    return {
        "at": format_instant(now_ms()),
        "python": platform.python_version(),
        "system": platform.platform(),
        "packages": packages,
    }


def _signs(settings: Settings) -> Mapping[str, Any]:
    """Return what the processes say of themselves; where the database cannot be asked the checks say why."""
    try:
        with existing_database(settings) as database:
            if database is None or not database.at_head():
                return {}
            with database.read() as unit:
                return {name: asdict(sign) for name, sign in heartbeats.latest(unit).items()}
    except IotopsError:
        return {}
