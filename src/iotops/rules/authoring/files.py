"""Check, rehearse and mutate what stands below a path: the rule files, and the devices declared beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from iotops.errors import RuleFileError
from iotops.rules.authoring.check import examined
from iotops.rules.authoring.fleet import Fleet
from iotops.rules.authoring.footprint import Footprint, footprint
from iotops.rules.authoring.mutation.trial import Tried, try_mutants
from iotops.rules.authoring.rehearse import Result, rehearse
from iotops.rules.devicefile import FILE, load_devices
from iotops.rules.finding import Finding, in_order
from iotops.rules.rulefile import load_rules
from iotops.rules.servicefile import FILE as SERVICES
from iotops.rules.servicefile import load_services
from iotops.rules.slafile import FILE as PROMISES
from iotops.rules.slafile import load_promises
from iotops.rules.source.directory import read_sources


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check went through, and what it found; `rules` counts those without an error."""

    files: int
    rules: int
    devices: int
    findings: tuple[Finding, ...]
    footprint: Footprint | None = None

    def count(self, level: str) -> int:
        """Return how many findings are of a level: error, warning or note."""
        return sum(finding.level == level for finding in self.findings)


Loading = Mapping[str, Callable[[Path], object]]
"""Name of a file beside the rules -> what loads a directory's, and raises RuleFileError."""


def check_path(path: Path, fleet: Fleet | None = None, others: Loading = MappingProxyType({})) -> Checked:
    """Check a rule file, a `devices.yaml`, a `services.yaml`, an `sla.yaml`, or everything below a directory.

    With a `fleet`, also whether its devices have the labels, and report the metrics, that the rules are about.
    `others`: more files beside the rules, which rooms that this one does not know of read.
    """
    files_beside = {**_BESIDE, **others}
    if path.name == FILE:
        devices, findings = _check_devices(path.parent)
        return Checked(1, 0, devices, in_order(findings))
    if path.name in files_beside:
        return Checked(1, 0, 0, in_order(_check_beside(files_beside[path.name], path.parent)))
    sources, unreadable = read_sources(path)
    read = examined(sources, fleet)
    devices, wrong = _check_devices(path) if path.is_dir() else (0, ())
    beside = [
        found for name, load in files_beside.items() if (path / name).is_file() for found in _check_beside(load, path)
    ]
    findings = in_order((*unreadable, *read.findings, *wrong, *beside))
    files = len(sources) + sum(path.is_dir() and (path / name).is_file() for name in (FILE, *files_beside))
    return Checked(files, len(read.sound), devices, findings, footprint(read.sound, read.catalogue, fleet))


def rehearse_path(path: Path, name: str | None = None) -> tuple[Result, ...]:
    """Run the tests in a rule file, or below a directory; `name`: those whose `rule: test` contains it.

    Raises:
        RuleFileError: the files cannot be loaded; carries every finding.
    """
    return rehearse(load_rules(path), name=name)


def mutate_path(path: Path, name: str | None = None) -> tuple[Tried, ...]:
    """Try the mutants of the rules in a file, or below a directory; `name` as for `rehearse_path`.

    Raises:
        RuleFileError: the files cannot be loaded; carries every finding.
    """
    load_rules(path)
    sources, _ = read_sources(path)
    return try_mutants(sources, name)


def _check_devices(directory: Path) -> tuple[int, Sequence[Finding]]:
    try:
        return len(load_devices(directory)), ()
    except RuleFileError as error:
        return 0, [finding for finding in error.findings if isinstance(finding, Finding)]


_BESIDE: Loading = {SERVICES: load_services, PROMISES: load_promises}
"""What stands beside the rules, and how a directory's is loaded."""


def _check_beside(load: Callable[[Path], object], directory: Path) -> Sequence[Finding]:
    try:
        load(directory)
    except RuleFileError as error:
        return [finding for finding in error.findings if isinstance(finding, Finding)]
    return ()
