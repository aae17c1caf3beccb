"""`iotops up`: ingest and API as one, kept running, ended together."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.real("mosquitto")

RULES = "rules:\n  - alert: hot\n    when: temp > 30\n"


def children(parent: int) -> dict[str, int]:
    """Return the name -> process id of the running iotops children of a process."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int((process / "stat").read_text().rsplit(")", 1)[1].split()[1]) != parent:
                continue
            words = (process / "cmdline").read_text().split("\0")
        except (OSError, IndexError):
            continue
        found |= {word: int(process.name) for word in words if word in ("ingest", "api")}
    return found


def test_killed_ingest_is_started_again_and_everything_ends_with_the_parent(
    mosquitto, device, database_url, deploy, wait_until, monkeypatch
):
    """A killed child comes back and nothing is lost, whatever receives; SIGTERM ends the whole with status 0."""
    receiver = "fast" if database_url.startswith("sqlite") else "paho"
    monkeypatch.setenv("IOTOPS_BROKER__RECEIVER", receiver)
    iotops = deploy(mosquitto.url, database_url, {"r.yaml": RULES}, "up")
    up = iotops.processes["up"]
    first = children(up.pid)
    assert set(first) == {"ingest", "api"}

    os.kill(first["ingest"], signal.SIGKILL)
    device.publish("iot/s/d/telemetry", {"temp": 35})
    wait_until(lambda: len(iotops.incidents()) == 1, 60, "the incident after the restart")
    again = children(up.pid)
    assert again["ingest"] != first["ingest"]
    assert iotops.get("/ingest")["receiver"] == receiver
    assert "ingest ended with status -9" in iotops.log("up")

    assert iotops.stop("up") == 0
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in again.values()), what="both children gone")


def test_token_printed_at_start_opens_the_api_until_the_next_start(mosquitto, tmp_path, deploy):
    """On loopback each start prints an admin token, and the one before is revoked."""
    iotops = deploy(mosquitto.url, f"sqlite:///{tmp_path / 'up.db'}", {"r.yaml": RULES}, "up")
    first = re.findall(r"iot_\S+", iotops.log("up"))[-1]
    assert ask(iotops.url, first) == 200

    iotops.stop("up")
    iotops.start("up")
    iotops.wait_ready()
    second = re.findall(r"iot_\S+", iotops.log("up"))[-1]

    assert (ask(iotops.url, first), ask(iotops.url, second)) == (401, 200)


def ask(url: str, token: str) -> int:
    """Return the status of a request with a token."""
    return httpx.get(f"{url}/api/v1/tokens", headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code


def test_killed_parent_takes_its_children_along(mosquitto, tmp_path, deploy, wait_until):
    """A SIGKILL of `up` leaves no ingest behind that nobody watches."""
    iotops = deploy(mosquitto.url, f"sqlite:///{tmp_path / 'up.db'}", {"r.yaml": RULES}, "up")
    pids = children(iotops.processes["up"].pid)

    iotops.kill("up")

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids.values()), what="both children gone")


@pytest.mark.parametrize("command", ["up", "api"])
def test_binding_beyond_loopback_without_tls_is_refused(tmp_path, command):
    """Tokens do not travel in the clear: the error says what to set."""
    environment = {
        **os.environ,
        "IOTOPS_API__LISTEN": "0.0.0.0:0",
        "IOTOPS_DATABASE__URL": f"sqlite:///{tmp_path / 'x.db'}",
    }

    done = subprocess.run(
        [sys.executable, "-m", "iotops", command],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert "error: api.listen" in done.stderr
    assert "behind_proxy" in done.stderr


def test_ingest_with_broken_rules_says_so_and_ends(mosquitto, tmp_path, device, deploy, wait_until):
    """Without rules from before there is nothing to keep: it ends with the finding, and messages wait at the broker."""
    iotops = deploy(mosquitto.url, f"sqlite:///{tmp_path / 'x.db'}", {"r.yaml": RULES}, "ingest", "api")
    iotops.stop("ingest")
    (iotops.rules / "r.yaml").write_text("rules:\n  - alert: hot\n    when: temp >\n")
    device.publish("iot/s/d/telemetry", {"temp": 35})

    refused = iotops.start("ingest")
    assert refused.wait(120) == 1
    assert "r.yaml:3:" in iotops.log("ingest")

    (iotops.rules / "r.yaml").write_text(RULES)
    iotops.start("ingest")
    wait_until(lambda: len(iotops.incidents()) == 1, 60, "the message that waited")
