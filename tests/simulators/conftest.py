"""A small fleet, and devices of it."""

from pathlib import Path

import pytest

from iotops.telemetry.reading import DeviceKey
from simulators.device import Device
from simulators.faults import Fault
from simulators.fleet import Fleet
from simulators.population import populate

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MINUTE_MS = 60_000

SMALL = """\
fleet: small
start: -10m
sites: {name: "s-{n}", count: 1}
groups:
  - {name: gw, type: gateway, connection: own, every: 30s}
  - {name: fz, type: freezer, count: 2, every: 30s, gateway: gw-01}
  - {name: pos, type: pos, every: 30s, connection: own}
faults: []
"""


@pytest.fixture
def small_fleet(tmp_path: Path):
    """Write a small fleet file, with other faults or lines where given; return its path."""

    def write(faults: str = "[]", text: str = SMALL) -> Path:
        file = tmp_path / "small.yaml"
        file.write_text(text.replace("faults: []", f"faults: {faults}"))
        return file

    return write


@pytest.fixture
def a_device():
    """Make one device of a type, under faults, that starts at START_MS."""

    def make(type_: str = "freezer", faults=(), *, seed: int = 1, every_ms: int = 30_000, own: bool = False) -> Device:
        group = {"name": "x", "type": type_, "every": every_ms, "gateway": "gw-01"}
        if own:
            group["connection"] = "own"
        gateway = {"name": "gw", "type": "gateway", "connection": "own"}
        fleet = Fleet.model_validate({"fleet": "one", "sites": {"name": "s-{n}"}, "groups": [gateway, group]})
        member = next(member for member in populate(fleet) if member.key.device == "x-01")
        return Device(member, faults, seed=seed, start_ms=START_MS, every_ms=every_ms)

    return make


@pytest.fixture
def a_fault():
    """Make a fault of device s-1/x-01, minutes counted from START_MS."""

    def make(kind: str, from_min: float, to_min: float, **more) -> Fault:
        return Fault(
            kind,
            kind,
            DeviceKey("s-1", "x-01"),
            START_MS + int(from_min * MINUTE_MS),
            START_MS + int(to_min * MINUTE_MS),
            **more,
        )

    return make


@pytest.fixture
def said_until():
    """Let a device speak for some minutes from START_MS; return everything it said."""

    def said(device: Device, minutes: float):
        out = []
        while device.next_ms <= START_MS + minutes * MINUTE_MS:
            out += device.speak()
        return out

    return said
