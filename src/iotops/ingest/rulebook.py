"""The rules in force: loaded from files, watched, and kept when the files are broken."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iotops.errors import RuleFileError
from iotops.rules.built_in import with_built_in
from iotops.rules.devicefile import DeclaredDevice, load_devices
from iotops.rules.finding import Finding
from iotops.rules.rule import Position, RuleSet
from iotops.rules.rulefile import rules_of
from iotops.rules.servicefile import DeclaredServices, load_services
from iotops.rules.slafile import DeclaredPromises, load_promises
from iotops.rules.source.directory import read_sources
from iotops.telemetry.reading import DeviceKey

LOG = logging.getLogger(__name__)

_Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """What the files said when they were last read without an error; `sources`: name -> text of the rule files."""

    rules: RuleSet
    devices: Mapping[DeviceKey, DeclaredDevice]
    services: DeclaredServices = field(default_factory=DeclaredServices)
    promises: DeclaredPromises = field(default_factory=DeclaredPromises)
    sources: Mapping[str, str] = field(default_factory=dict)


class Rulebook:
    """Reads the rules directory again when one of its files changed.

    Args:
        directory: of the files.
        max_rules: a set with more is refused: each is remembered for every device that it matches.

    Attributes:
        error: why the newest files are not in force, None where they are.
    """

    def __init__(self, directory: Path, max_rules: int = 5_000) -> None:
        self._directory = directory
        self._max_rules = max_rules
        self._stamp: _Stamp = ()
        self._seen: _Stamp = ()
        self.error: str | None = None

    def open(self) -> Edition:
        """Read the files for the first time.

        Raises:
            RuleFileError: they cannot be used, and there is no older edition to keep.
        """
        self._stamp = self._seen = self._look()
        return self._read()

    def changed(self) -> Edition | None:
        """Return a new edition where the files changed and can be used, None otherwise.

        A change counts once two looks in a row found the same: in between, a file may be half written, or away for
        the moment in which an editor puts the new one in its place, and its rules are not to be taken for removed.
        """
        before, stamp = self._seen, self._look()
        self._seen = stamp
        if stamp == self._stamp or stamp != before:
            return None
        self._stamp = stamp
        try:
            edition = self._read()
        except RuleFileError as error:
            self.error = str(error)
            LOG.warning("rules: the files have errors; the set that was loaded before stays in force: %s", error)
            return None
        self.error = None
        return edition

    def _read(self) -> Edition:
        directory = self._directory
        sources, unreadable = read_sources(directory)
        rules = rules_of(sources, unreadable)
        if len(rules.rules) > self._max_rules:
            message = f"{len(rules.rules)} rules, at most {self._max_rules} are loaded (rules.max_rules)"
            raise RuleFileError([Finding(Position(str(directory), 1, 1), "error", "too-many-rules", message)])
        return Edition(
            with_built_in(rules),
            load_devices(directory),
            load_services(directory),
            load_promises(directory),
            sources,
        )

    def _look(self) -> _Stamp:
        """Return what would differ if a file had changed: names, sizes, times, inodes."""
        found = []
        for folder, folders, names in os.walk(self._directory):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                if not name.endswith((".yaml", ".yml")):
                    continue
                path = os.path.join(folder, name)  # noqa: PTH118  walked every second; Path costs ten times as much
                try:
                    status = os.stat(path)  # noqa: PTH116  as above
                except OSError:
                    continue  # gone between the two calls; the next look sees it
                found.append((path, status.st_size, status.st_mtime_ns, status.st_ino))
        return tuple(sorted(found))
