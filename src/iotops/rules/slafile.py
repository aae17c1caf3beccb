"""`sla.yaml`: what is promised of incidents, and which time counts, beside the rules.

    calendars:
      - id: office
        timezone: Europe/Paris
        hours: {mon-fri: "08:00-12:00, 13:00-17:30", sat: "09:00-12:00"}
        holidays: FR
        closed: [2026-12-24]
    policies:
      - id: gold
        calendar: office
        respond_minutes: {P1: 15, P2: 30}
        resolve_minutes: {P1: 240, P2: 480}
        pause_on: [parts, awaiting supplier]

Services and suppliers name their policy in `services.yaml`; the policy `default` is that of every other incident.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iotops.rules.calendar import read_closed, read_holidays, read_timezone, read_week
from iotops.rules.finding import Finding
from iotops.rules.language.suggest import did_you_mean
from iotops.rules.servicefile import is_id
from iotops.rules.source.beside import load_beside
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose

FILE = "sla.yaml"
SLA_MEMBERS: Mapping[str, tuple[str, ...]] = {
    "calendars": ("name", "timezone", "hours", "holidays", "closed"),
    "policies": ("name", "calendar", "respond_minutes", "resolve_minutes", "pause_on"),
}
"""Section -> what its entries may say beside `id`."""
_PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
_MAX_CHARS = 200
MOST_MINUTES = 5_256_000
"""The longest promise: ten years."""

Members = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredPromises:
    """What the file says: id -> members, which are text, lists of text, or maps of text or whole numbers."""

    calendars: Mapping[str, Members] = field(default_factory=dict)
    policies: Mapping[str, Members] = field(default_factory=dict)


def load_promises(directory: Path) -> DeclaredPromises:
    """Return what `sla.yaml` in the rules directory says; nothing where there is no such file.

    Raises:
        RuleFileError: the file cannot be used; carries every finding.
    """
    return load_beside(directory, FILE, parse_promises, DeclaredPromises())


def parse_promises(name: str, text: str) -> tuple[DeclaredPromises, tuple[Finding, ...]]:
    """Return the entries of one file that can be used, and what is wrong with the others."""
    log = FindingLog(SourceText(name, text))
    found: dict[str, dict[str, Members]] = {section: {} for section in SLA_MEMBERS}
    root = compose(log)
    if isinstance(root, YamlMap):
        for key, node in root.entries:
            _section(log, key, node, found)
    elif root is not None:
        log.error(root.start, root.end, "promises-expected", f"expected the keys {', '.join(SLA_MEMBERS)}")
    return DeclaredPromises(found["calendars"], found["policies"]), tuple(log.findings)


def read_minutes(said: Mapping[str, int]) -> dict[str, int]:
    """Return priority -> minutes.

    Raises:
        ValueError: a priority that is none, or minutes that are none.
    """
    for priority, minutes in said.items():
        if priority not in _PRIORITIES:
            msg = f"{priority!r} is no priority; write P1 to P5"
            raise ValueError(msg)
        if not 0 < minutes <= MOST_MINUTES:
            msg = f"{priority}: {minutes} minutes; expected 1 to {MOST_MINUTES}"
            raise ValueError(msg)
    return dict(said)


def _section(log: FindingLog, key: YamlScalar, node: YamlNode, found: dict[str, dict[str, Members]]) -> None:
    if key.text not in SLA_MEMBERS:
        message = f"expected {', '.join(SLA_MEMBERS)}, found {key.text!r}"
        log.error(key.start, key.end, "unknown-key", message, did_you_mean(key.text, SLA_MEMBERS))
    elif not isinstance(node, YamlList):
        log.error(node.start, node.end, "list-expected", f"{key.text} must be a list of entries with an id")
    else:
        for entry in node.items:
            _entry(log, key.text, entry, found[key.text])


def _entry(log: FindingLog, section: str, node: YamlNode, found: dict[str, Members]) -> None:
    if not isinstance(node, YamlMap):
        log.error(node.start, node.end, "entry-expected", "expected a map such as {id: gold, calendar: office}")
        return
    given = node.get("id")
    place, named = given or node, given.text if isinstance(given, YamlScalar) else ""
    if not is_id(named):
        message = f"id must be 1 to 64 of A-Z a-z 0-9 _ . : -, found {named!r}"
        log.error(place.start, place.end, "bad-identity", message)
    elif named in found:
        message = f"{named} is declared twice under {section}"
        log.error(place.start, place.end, "duplicate-entry", message, "keep one of the entries")
    members: dict[str, Any] = {}
    for key, value in node.entries:
        if key.text == "id":
            continue
        if key.text not in SLA_MEMBERS[section]:
            hint = did_you_mean(key.text, SLA_MEMBERS[section])
            log.error(key.start, key.end, "unknown-key", f"{section} have no {key.text!r}", hint)
            continue
        try:
            members[key.text] = _READERS.get(key.text, _text)(value)
        except ValueError as error:
            log.error(value.start, value.end, f"bad-{key.text.replace('_', '-')}", str(error))  # noqa: TRY400  a finding, no log
    if is_id(named):
        found[named] = members


def _text(node: YamlNode) -> str:
    if not isinstance(node, YamlScalar) or not 0 < len(node.text) <= _MAX_CHARS:
        msg = f"expected text of 1 to {_MAX_CHARS} characters"
        raise ValueError(msg)
    return node.text


def _texts(node: YamlNode) -> list[str]:
    if not isinstance(node, YamlList):
        msg = "expected a list of texts, such as [parts, access]"
        raise ValueError(msg)  # noqa: TRY004  what people wrote is no type of ours
    return [_text(item) for item in node.items]


def _map(node: YamlNode) -> dict[str, str]:
    if not isinstance(node, YamlMap):
        msg = "expected a map"
        raise ValueError(msg)  # noqa: TRY004  as above
    return {key.text: _text(value) for key, value in node.entries}


def _hours(node: YamlNode) -> dict[str, str]:
    said = _map(node)
    read_week(said)
    return said


def _minutes(node: YamlNode) -> dict[str, int]:
    said = _map(node)
    if wrong := [text for text in said.values() if not (text.isascii() and text.isdigit() and len(text) < 10)]:
        msg = f"{wrong[0]!r} is no whole number of minutes; write for instance {{P1: 15, P2: 60}}"
        raise ValueError(msg)
    return read_minutes({priority: int(text) for priority, text in said.items()})


_READERS: Mapping[str, Callable[[YamlNode], Any]] = {
    "timezone": lambda node: read_timezone(_text(node)),
    "hours": _hours,
    "holidays": lambda node: read_holidays(_text(node)),
    "closed": lambda node: list(read_closed(_texts(node))),
    "respond_minutes": _minutes,
    "resolve_minutes": _minutes,
    "pause_on": _texts,
}
"""Member -> how it is read; the others are text."""
