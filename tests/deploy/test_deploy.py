"""The recipe of the image and the compose file keep what they promise, as far as can be seen without a container."""

import ast
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from iotops.settings import load, shown

HOME = Path(__file__).resolve().parents[2]
RECIPE = (HOME / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((HOME / "deploy/compose.yaml").read_text())
STEPS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", RECIPE, re.MULTILINE)


def test_the_image_is_built_in_two_stages_of_pinned_packages_for_nobody():
    """What builds stays behind, every package is checked by its hash, no index is named, and root does not run it."""
    last = [step for step, _ in STEPS].index("FROM", [step for step, _ in STEPS].index("FROM") + 1)
    users = [what for step, what in STEPS[last:] if step == "USER"]

    assert len([step for step, _ in STEPS if step == "FROM"]) == 2
    assert "--require-hashes --requirement requirements.lock" in RECIPE
    assert re.findall(r"https?://|index-url|trusted-host", RECIPE) == []
    assert users == ["${IOTOPS_UID}:${IOTOPS_UID}"]


def test_what_the_image_copies_is_let_through_and_exists():
    """The list of what stays out keeps in all that the recipe asks for."""
    kept = {line[1:] for line in (HOME / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [what.split()[:-1] for step, what in STEPS if step == "COPY" and not what.startswith("--from")]

    assert {name for names in copied for name in names} == kept - {"./"}
    assert [name for name in kept if not (HOME / name).exists()] == []


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_says_what_readiness_says(status, healthy, free_port):
    """The very command of the image, against an API that is ready, and one that is not."""
    (check,) = (what for step, what in STEPS if step == "HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    asked = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", free_port()), Answer)
    threading.Thread(target=server.handle_request).start()
    ran = subprocess.run(
        [sys.executable, *command[1:]], env={**os.environ, "HEALTH_PORT": str(server.server_port)}, check=False
    )
    server.server_close()

    assert (ran.returncode == 0, asked) == (healthy, ["/health/ready"])
    ast.parse(command[2])


def test_every_setting_of_the_containers_exists():
    """A variable that is misspelt would be refused at the start."""
    known = {f"IOTOPS_{s}__{n}".upper() for s, names in shown(load()).items() for n in names}
    given = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    given |= set(re.findall(r"\b(IOTOPS_\w+__\w+)=", RECIPE))

    assert {name for name in given if name.startswith("IOTOPS_")} <= known
    told = COMPOSE["services"]["iotops"]["environment"]["IOTOPS_API__TRUSTED_PROXIES"]
    assert json.loads(told) == [COMPOSE["networks"]["default"]["ipam"]["config"][0]["gateway"]]


def test_containers_get_no_more_than_they_need():
    """No privileges, no file system to write to, no secret in a variable, and only the broker open to the world."""
    services = COMPOSE["services"]
    ours = [services[name] for name in ("iotops", "devices", "mosquitto")]

    assert all(each["read_only"] and each["cap_drop"] == ["ALL"] for each in ours)
    assert all(each["security_opt"] == ["no-new-privileges:true"] for each in ours)
    assert services["iotops"]["ports"] == ["127.0.0.1:8000:8000"]
    assert services["mosquitto"]["ports"] == ["8883:8883", "8884:8884"]
    assert re.findall(r"(?i)password: |:[^/@\s]+@", (HOME / "deploy/compose.yaml").read_text()) == []
    assert all(each["file"].startswith("./secrets/") for each in COMPOSE["secrets"].values())
    assert all("healthcheck" in services[name] for name in ("mosquitto", "postgresql"))  # the image brings its own
    assert services["iotops"]["build"]["args"]["IOTOPS_UID"] == int(services["mosquitto"]["user"].split(":")[0])


def test_names_that_are_used_are_declared():
    """Volumes, secrets and services that somebody refers to are there."""
    services = COMPOSE["services"]
    volumes = [v.split(":")[0] for each in services.values() for v in each.get("volumes", [])]

    assert {v for v in volumes if not v.startswith(".")} == set(COMPOSE["volumes"])
    assert {s for each in services.values() for s in each.get("secrets", [])} == set(COMPOSE["secrets"])
    assert {d for each in services.values() for d in each.get("depends_on", {})} <= set(services)
    # Of bind mounts only secrets and credentials are made by whoever installs.
    made = {"./broker"}
    assert [v for v in volumes if v.startswith(".") and v not in made and not (HOME / "deploy" / v).exists()] == []


def test_the_broker_of_the_containers_is_the_documented_one():
    """Only paths and where it logs differ from docs/mosquitto-production.conf, which a real mosquitto tests."""

    def meant(file):
        lines = [line for line in (HOME / file).read_text().splitlines() if line and not line.startswith("#")]
        return [re.sub(r"/\S+|(?<=log_dest )\w+", "", line) for line in lines]

    assert meant("deploy/mosquitto.conf") == meant("docs/mosquitto-production.conf")
