"""devices.yaml says what devices are."""

import pytest

from iotops.errors import RuleFileError
from iotops.rules.devicefile import load_devices, parse_devices
from iotops.telemetry.reading import DeviceKey


def test_entries_are_identity_labels_and_trust():
    """Site and device identify, trust_status is a truth value, all else is a label."""
    text = "devices:\n  - {site: paris, device: fz-07, name: Freezer 7, type: freezer, trust_status: true}\n"

    found, findings = parse_devices("devices.yaml", text)

    assert findings == ()
    declared = found[DeviceKey("paris", "fz-07")]
    assert dict(declared.labels) == {"name": "Freezer 7", "type": "freezer"}
    assert declared.trust_status


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("- a\n", "devices-expected", 1),
        ("devices:\n  - fz-07\n", "device-expected", 2),
        ("devices:\n  - {site: paris}\n", "bad-identity", 2),
        ("devices:\n  - {site: pa/ris, device: a}\n", "bad-identity", 2),
        ("devices:\n  - {site: p, device: a}\n  - {site: p, device: a}\n", "duplicate-device", 3),
        ("devices:\n  - {site: p, device: a, tags: [x]}\n", "label-not-text", 2),
        ("devices:\n  - {site: p, device: a, trust_status: maybe}\n", "not-a-truth", 2),
        ("devices:\n  - {site: p, device: a, a-b: x}\n", "bad-label", 2),
    ],
)
def test_mistake_is_named_with_its_line(text, code, line):
    """Every mistake has a code and a place."""
    _found, findings = parse_devices("devices.yaml", text)

    assert [(finding.code, finding.position.line) for finding in findings] == [(code, line)]


def test_absent_file_declares_nothing(tmp_path):
    """devices.yaml is optional."""
    assert load_devices(tmp_path) == {}


def test_broken_file_is_refused_as_a_whole(tmp_path):
    """One bad entry keeps the file from being used: half a registry would mislead."""
    (tmp_path / "devices.yaml").write_text("devices:\n  - {site: p, device: a}\n  - {site: p}\n")

    with pytest.raises(RuleFileError, match="bad-identity"):
        load_devices(tmp_path)
