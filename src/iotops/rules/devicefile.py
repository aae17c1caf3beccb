"""`devices.yaml`: what people say about devices, beside the rules that match on it.

    devices:
      - {site: paris, device: fz-07, name: Freezer 7, type: freezer, gateway: gw-1}
      - {site: paris, device: gw-1, type: gateway, trust_status: true}

Every key but `site`, `device` and `trust_status` is a label. `parent`, or else `gateway`, names the device that it
stands behind. With `trust_status` the device's own status payload may
set labels other than type, model, firmware and name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from iotops.rules.dependency import circle, device_node, parent_of
from iotops.rules.finding import Finding
from iotops.rules.source.beside import load_beside
from iotops.rules.source.nodes import YamlList, YamlMap, YamlNode, YamlScalar
from iotops.rules.source.text import FindingLog, SourceText
from iotops.rules.source.tree import compose
from iotops.telemetry.reading import DeviceKey

FILE = "devices.yaml"
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_TRUTH = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class DeclaredDevice:
    """One entry of the file."""

    labels: Mapping[str, str]
    trust_status: bool = False


def load_devices(directory: Path) -> dict[DeviceKey, DeclaredDevice]:
    """Return what `devices.yaml` in the rules directory says; nothing where there is no such file.

    Raises:
        RuleFileError: the file cannot be used; carries every finding.
    """
    return load_beside(directory, FILE, parse_devices, {})


def parse_devices(name: str, text: str) -> tuple[dict[DeviceKey, DeclaredDevice], tuple[Finding, ...]]:
    """Return the entries of one file that can be used, and what is wrong with the others."""
    log = FindingLog(SourceText(name, text))
    root = compose(log)
    found: dict[DeviceKey, DeclaredDevice] = {}
    places: dict[DeviceKey, YamlNode] = {}
    for node in _entries(log, root) if root is not None else ():
        entry = _entry(log, node)
        if entry is None:
            continue
        key, declared = entry
        if key in found:
            log.error(node.start, node.end, "duplicate-device", f"{key} is declared twice", "keep one of the entries")
        found[key] = declared
        places[key] = node
    _refuse_circles(log, found, places)
    return found, tuple(log.findings)


def _refuse_circles(
    log: FindingLog, found: Mapping[DeviceKey, DeclaredDevice], places: Mapping[DeviceKey, YamlNode]
) -> None:
    """Say where devices stand behind each other in a circle."""
    parents = {key: parent_of(key, declared.labels) for key, declared in found.items()}
    round_trip = circle((device_node(key), device_node(up)) for key, up in parents.items() if up is not None)
    if round_trip and (first := round_trip[0].device) is not None:
        path = " -> ".join(node.id for node in round_trip)
        log.error(places[first].start, places[first].end, "circle", f"devices stand behind each other: {path}")


def _entries(log: FindingLog, root: YamlNode) -> tuple[YamlNode, ...]:
    if isinstance(root, YamlMap) and [key.text for key, _ in root.entries] == ["devices"]:
        node = root.entries[0][1]
        if isinstance(node, YamlList):
            return tuple(node.items)
    log.error(root.start, root.end, "devices-expected", "expected one key, `devices`, with a list under it")
    return ()


def _entry(log: FindingLog, node: YamlNode) -> tuple[DeviceKey, DeclaredDevice] | None:
    if not isinstance(node, YamlMap):
        log.error(node.start, node.end, "device-expected", "expected a map such as {site: paris, device: fz-07}")
        return None
    labels: dict[str, str] = {}
    trusted = False
    for key, value in node.entries:
        if not isinstance(value, YamlScalar):
            log.error(value.start, value.end, "label-not-text", f"the value of {key.text!r} must be text")
        elif key.text == "trust_status":
            if value.text not in _TRUTH:
                log.error(value.start, value.end, "not-a-truth", f"expected true or false, found {value.text!r}")
            trusted = _TRUTH.get(value.text, False)
        elif not _LABEL.fullmatch(key.text):
            log.error(key.start, key.end, "bad-label", f"a label is letters, digits and _, found {key.text!r}")
        else:
            labels[key.text] = value.text
    key_found = _key(log, node, labels)
    return None if key_found is None else (key_found, DeclaredDevice(labels, trusted))


def _key(log: FindingLog, node: YamlMap, labels: dict[str, str]) -> DeviceKey | None:
    """Take site and device out of the labels."""
    site, device = labels.pop("site", ""), labels.pop("device", "")
    for name, value in (("site", site), ("device", device)):
        if not _ID.fullmatch(value):
            log.error(
                node.start, node.end, "bad-identity", f"{name} must be 1 to 64 of A-Z a-z 0-9 _ . : -, found {value!r}"
            )
            return None
    return DeviceKey(site, device)
