"""`services.yaml`: sites, suppliers and services, and what services need, beside the rules.

    sites:
      - {id: paris, name: Paris North, timezone: Europe/Paris}
    suppliers:
      - {id: cashco, name: CashCo, contact: +33 1 23 45 67 89}
    services:
      - id: cash
        criticality: A
        team: atm
        public: true
        runs_on: [card-network, paris/atm-1]
        supplied_by: [cashco]

`runs_on` names services by id and devices as `site/device`. A device whose label `service` is the id belongs to it
anyhow. `public` lets everybody see its status.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from iotops.rules.dependency import Dependency, Node, circle
from iotops.rules.finding import Finding
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.source.beside import load_beside
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose

FILE = "services.yaml"
CRITICALITIES = ("A", "B", "C")
MEMBERS: Mapping[str, tuple[str, ...]] = {
    "sites": ("name", "timezone", "calendar"),
    "suppliers": ("name", "contact", "sla_policy"),
    "services": ("name", "criticality", "team", "sla_policy", "runbook", "public"),
}
"""Section -> what its entries may say beside `id`."""
_LISTS: Mapping[str, tuple[str, ...]] = {"services": ("runs_on", "supplied_by")}
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_TARGET = re.compile(r"[A-Za-z0-9_.:-]{1,64}(/[A-Za-z0-9_.:-]{1,64})?")
_TRUTHS = frozenset({"public"})
_MAX_CHARS = 200

Members = Mapping[str, str | bool]


@dataclass(frozen=True, slots=True)
class DeclaredServices:
    """What the file says: id -> members, and the dependencies of services."""

    sites: Mapping[str, Members] = field(default_factory=dict)
    suppliers: Mapping[str, Members] = field(default_factory=dict)
    services: Mapping[str, Members] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of an entry."""
    return _ID.fullmatch(text) is not None


def is_timezone(name: str) -> bool:
    """Tell whether the time zone database knows the name."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all; a folder of the database
        return False
    return True


def load_services(directory: Path) -> DeclaredServices:
    """Return what `services.yaml` in the rules directory says; nothing where there is no such file.

    Raises:
        RuleFileError: the file cannot be used; carries every finding.
    """
    return load_beside(directory, FILE, parse_services, DeclaredServices())


def parse_services(name: str, text: str) -> tuple[DeclaredServices, tuple[Finding, ...]]:
    """Return the entries of one file that can be used, and what is wrong with the others."""
    log = FindingLog(SourceText(name, text))
    reader = _Reader(log)
    root = compose(log)
    if isinstance(root, YamlMap):
        for key, node in root.entries:
            reader.section(key, node)
    elif root is not None:
        log.error(root.start, root.end, "services-expected", f"expected the keys {', '.join(MEMBERS)}")
    reader.refuse_circles()
    found = reader.found
    services = DeclaredServices(found["sites"], found["suppliers"], found["services"], tuple(reader.dependencies))
    return services, tuple(log.findings)


class _Reader:
    """Reads the sections of one file, one entry after the other."""

    def __init__(self, log: FindingLog) -> None:
        self.log = log
        self.found: dict[str, dict[str, Members]] = {section: {} for section in MEMBERS}
        self.dependencies: dict[Dependency, YamlScalar] = {}

    def section(self, key: YamlScalar, node: YamlNode) -> None:
        """Read one list of entries."""
        if key.text not in MEMBERS:
            message = f"expected {', '.join(MEMBERS)}, found {key.text!r}"
            self.log.error(key.start, key.end, "unknown-key", message, did_you_mean(key.text, MEMBERS))
        elif not isinstance(node, YamlList):
            self.log.error(node.start, node.end, "list-expected", f"{key.text} must be a list of entries with an id")
        else:
            for entry in node.items:
                self._entry(key.text, entry)

    def refuse_circles(self) -> None:
        """Say where services depend on each other in a circle."""
        round_trip = circle((each.source, each.target) for each in self.dependencies)
        if round_trip:
            place = next(at for each, at in self.dependencies.items() if each[::2] == round_trip[:2])
            path = " -> ".join(node.id for node in round_trip)
            self.log.error(place.start, place.end, "circle", f"services depend on each other in a circle: {path}")

    def _entry(self, section: str, node: YamlNode) -> None:
        if not isinstance(node, YamlMap):
            self.log.error(node.start, node.end, "entry-expected", "expected a map such as {id: paris, name: Paris}")
            return
        members: dict[str, str | bool] = {}
        named = self._id(section, node)
        for key, value in node.entries:
            if key.text in _LISTS.get(section, ()):
                self._targets(named, key.text, value)
            elif key.text != "id":
                self._member(section, key, value, members)
        if named is not None:
            self.found[section][named] = members

    def _id(self, section: str, node: YamlMap) -> str | None:
        given = node.get("id")
        text = given.text if isinstance(given, YamlScalar) else ""
        place = given or node
        if not _ID.fullmatch(text):
            message = f"id must be 1 to 64 of A-Z a-z 0-9 _ . : -, found {text!r}"
            self.log.error(place.start, place.end, "bad-identity", message)
            return None
        if text in self.found[section]:
            message = f"{text} is declared twice under {section}"
            self.log.error(place.start, place.end, "duplicate-entry", message, "keep one of the entries")
        return text

    def _member(self, section: str, key: YamlScalar, value: YamlNode, members: dict[str, str | bool]) -> None:
        allowed = (*MEMBERS[section], *_LISTS.get(section, ()))
        if key.text not in allowed:
            hint = did_you_mean(key.text, allowed)
            self.log.error(key.start, key.end, "unknown-key", f"{section} have no {key.text!r}", hint)
        elif not isinstance(value, YamlScalar) or not 0 < len(value.text) <= _MAX_CHARS:
            message = f"{key.text} must be text of 1 to {_MAX_CHARS} characters"
            self.log.error(value.start, value.end, "not-text", message)
        elif (wrong := _CHECKS.get(key.text, _nothing_wrong)(value.text)) is not None:
            self.log.error(value.start, value.end, f"bad-{key.text}", wrong)
        else:
            members[key.text] = value.text == "true" if key.text in _TRUTHS else value.text

    def _targets(self, service: str | None, kind: str, node: YamlNode) -> None:
        if not isinstance(node, YamlList):
            self.log.error(node.start, node.end, "list-expected", f"{kind} must be a list of names")
            return
        for item in node.items:
            if not isinstance(item, YamlScalar) or not _TARGET.fullmatch(item.text):
                self.log.error(item.start, item.end, "bad-target", f"{kind} names services, or devices as site/device")
            elif kind == "supplied_by" and "/" in item.text:
                self.log.error(item.start, item.end, "bad-target", "supplied_by names suppliers by their id")
            elif service is not None:
                target = Node("supplier" if kind == "supplied_by" else _kind_of(item.text), item.text)
                self.dependencies[Dependency(Node("service", service), kind, target)] = item


def _kind_of(name: str) -> str:
    return "device" if "/" in name else "service"


def _nothing_wrong(_text: str) -> str | None:
    return None


def _wrong_criticality(text: str) -> str | None:
    return None if text in CRITICALITIES else f"criticality is A (highest), B or C, found {text!r}"


def _wrong_timezone(text: str) -> str | None:
    return None if is_timezone(text) else f"no such time zone: {text!r}; write one such as Europe/Paris or UTC"


def _wrong_truth(text: str) -> str | None:
    return None if text in ("true", "false") else f"public is true or false, found {text!r}"


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "criticality": _wrong_criticality,
    "timezone": _wrong_timezone,
    "public": _wrong_truth,
}
