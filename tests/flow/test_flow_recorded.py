"""Recorded machine data through a real broker, database and API, judged by the shipped rules."""

import csv
import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iotops.durations import parse_instant
from iotops.rules.authoring.replay import replay
from iotops.rules.compile import compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.memory import Memory
from iotops.rules.rulefile import load_rules
from iotops.telemetry.reading import DeviceKey, Reading

REPOSITORY = Path(__file__).resolve().parents[2]
NAB = REPOSITORY.parent / "shared" / "data" / "nab"
NAME = "machine_temperature_system_failure"
RECORDING = NAB / f"{NAME}.csv"
KEY = DeviceKey("recorded", NAME)

pytestmark = pytest.mark.recorded


def windows() -> list[tuple[int, int]]:
    """Return the labelled windows of the recording in Unix milliseconds."""
    labelled = json.loads((NAB / "windows.json").read_text())[f"{NAME}.csv"]
    return [(parse_instant(begin), parse_instant(end)) for begin, end in labelled]


@pytest.mark.real("mosquitto")
@pytest.mark.timeout(180)
def test_recorded_failures_are_incidents_and_little_else_is(mosquitto, database_url, deploy, wait_until, tmp_path):
    """At least three of the four labelled failures have an incident inside, and at most four are outside."""
    iotops = deploy(mosquitto.url, database_url, {})
    shutil.copytree(REPOSITORY / "rules", iotops.rules, dirs_exist_ok=True)
    iotops.start("ingest")
    iotops.start("api")
    iotops.wait_ready()

    ledger = tmp_path / "published.csv"
    command = ["-m", "simulators", "replay", str(RECORDING), "--speed", "max", "--ledger", str(ledger)]
    subprocess.run(
        [sys.executable, *command, "--broker", mosquitto.url], check=True, cwd=REPOSITORY, capture_output=True
    )
    with ledger.open() as stream:
        published = sum(1 for _ in csv.DictReader(stream))
    wait_until(lambda: iotops.get("/ingest")["stored"] >= published, 120, "everything stored")

    fired = [parse_instant(found["fired_at"]) for found in iotops.incidents()]
    hit = [any(begin <= at <= end for at in fired) for begin, end in windows()]
    outside = [at for at in fired if not any(begin <= at <= end for begin, end in windows())]
    assert sum(hit) >= 3, hit
    assert len(outside) <= 4, outside
    assert json.loads(iotops.iotops("ledger", str(ledger), "--format", "json"))["clean"]


def test_old_recording_gives_the_transitions_that_it_would_have_given_live():
    """Replayed in a second years later, every transition has the event time it would have had as the data came in."""
    program = compile_rules(load_rules(REPOSITORY / "rules" / "machine.yaml"))

    live = replay(program, recording(lambda at_ms, first_ms, row: (at_ms, at_ms - first_ms)), machine())
    fast = replay(
        program, recording(lambda at_ms, first_ms, row: (1_800_000_000_000 + row // 20, row // 20)), machine()
    )

    assert [(each.change, each.at_ms, each.alert.id) for each in live] == [
        (each.change, each.at_ms, each.alert.id) for each in fast
    ]
    assert len(live) > 10


def machine() -> Memory:
    """Return a memory that knows the recorded device."""
    memory = Memory()
    memory.register(DeviceFacts(KEY, {"site": KEY.site, "device": NAME, "name": NAME, "type": NAME}))
    return memory


def recording(received) -> list[Reading]:
    """Return the recording as readings, received when `received` says."""
    with RECORDING.open() as stream:
        rows = list(csv.DictReader(stream))
    times = [int(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp() * 1000) for row in rows]
    found = []
    for number, (at_ms, row) in enumerate(zip(times, rows, strict=True)):
        received_ms, connected_ms = received(at_ms, times[0], number)
        found.append(Reading(KEY, at_ms, received_ms, {"value": float(row["value"])}, connected_ms=connected_ms))
    return found
