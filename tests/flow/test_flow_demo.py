"""The demonstration as a newcomer runs it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest


def start(tmp_path, *options: str) -> subprocess.Popen[str]:
    """Start `iotops demo` in a folder that holds settings which must not leak into it."""
    (tmp_path / "iotops.toml").write_text('[broker]\nurl = "mqtt://127.0.0.1:1"\n')
    environment = {
        **os.environ,
        "IOTOPS_DATABASE__URL": "postgresql://nobody@127.0.0.1:1/none",
        "TMPDIR": str(tmp_path),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "iotops", "demo", "--port", "0", "--json", *options],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def running(session: int) -> dict[int, str]:
    """Return the processes that still belong to a session, by number, with their command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(process.name)) == session:
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except (OSError, ValueError):
            continue
    return {number: line for number, line in found.items() if line}


@pytest.mark.parametrize("broker", ["embedded", pytest.param("mosquitto", marks=pytest.mark.real("mosquitto"))])
def test_demo_finds_its_faults_and_accounts_for_every_message(tmp_path, broker):
    """Every published message is stored, a duplicate or dead-lettered; faults are found, nothing false is raised."""
    demo = start(tmp_path, "--for", "8s", "--broker", broker)
    output, errors = demo.communicate(timeout=250)

    summary = json.loads(output.splitlines()[-1])
    assert demo.returncode == 0, errors
    assert summary["published"] == summary["stored"] + summary["duplicates"] + summary["dead_lettered"] > 5_000
    assert summary["duplicates"] > 0
    assert summary["incidents_raised"] >= 8
    assert (summary["faults_detected"], summary["false_incidents"]) == (summary["faults_injected"], 0)
    assert summary["faults_injected"] >= 8
    assert summary["first_incident_after_s"] < 30
    assert "admin token" in errors
    assert not list(tmp_path.glob("iotops-demo-*"))


def test_interrupted_demo_still_accounts_and_leaves_nothing_running(tmp_path, wait_until):
    """What was killed is started again; Ctrl-C ends the fleet, then prints the summary and stops what was started."""
    demo = start(tmp_path, "--broker", "embedded")
    assert demo.stderr is not None
    for line in demo.stderr:
        if line.startswith("INC-"):
            break
    for process in ("iotops ingest", "iotops api"):
        (number,) = (number for number, line in running(demo.pid).items() if process in line)
        os.kill(number, signal.SIGKILL)
    said = ""
    for line in demo.stderr:
        said += line
        if all(f"{process} ended with status -9; starts again" in said for process in ("ingest", "api")):
            break
    os.killpg(demo.pid, signal.SIGINT)
    output, errors = demo.communicate(timeout=250)

    assert demo.returncode == 0, errors
    summary = json.loads(output.splitlines()[-1])
    assert (summary["accounted"], summary["lost"]) == (True, 0)
    assert summary["published"] == summary["stored"] + summary["duplicates"] + summary["dead_lettered"] > 0
    wait_until(lambda: running(demo.pid) == {}, 60, "every process gone")


def test_killed_demo_takes_its_children_along(tmp_path, wait_until):
    """What the demo started ends with it, even where nobody could clean up."""
    demo = start(tmp_path, "--broker", "embedded")
    assert demo.stderr is not None
    for line in demo.stderr:
        if line.startswith("INC-"):
            break
    os.kill(demo.pid, signal.SIGKILL)
    demo.communicate(timeout=120)

    wait_until(lambda: running(demo.pid) == {}, 60, "every process gone")


def test_taken_port_is_said(tmp_path):
    """The error names the port and the option."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "iotops", "demo", "--port", str(port), "--for", "1s", "--broker", "embedded"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: demo: port {port} is taken")
