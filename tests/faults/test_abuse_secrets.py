"""Secrets planted wherever one may stand, and looked for in everything that comes out."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest

from iotops.api.listening import listen_address
from iotops.broker.credentials import Credentials, write_secret
from iotops.errors import ConfigurationError, IotopsError
from iotops.settings import ApiSettings, Settings, load

CANARY = "c4n4ry"
RULES = {
    "a.yaml": "rules:\n  - {alert: warm, when: temp > 5, severity: warning}\n",
    "notify.yaml": (
        "channels:\n"
        '  hook: {kind: webhook, url: "https://127.0.0.1:9/${env:HOOK_PATH}", secrets: ["${env:HOOK_SECRET}"]}\n'
        '  mail: {kind: email, host: 127.0.0.1, port: 9, user: u, password: "${file:smtp}", sender: a@b.example,'
        " to: [c@d.example]}\n"
        "routes:\n  - {name: all, channels: [hook, mail], group: 0s}\n"
    ),
}


@pytest.fixture
def guarded(mosquitto, postgresql_url, deploy, tmp_path):
    """A deployment with a canary in every secret, and the texts of those canaries."""
    credentials = Credentials("iotops", f"{CANARY}-broker")
    write_secret(tmp_path / "passwords", credentials.mosquitto_line())
    mosquitto.stop()
    mosquitto.start(f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}")
    smtp = tmp_path / "smtp"
    smtp.write_text(f"{CANARY}-smtp\n")
    rules = {**RULES, "notify.yaml": RULES["notify.yaml"].replace("file:smtp", f"file:{smtp}")}
    database_url = postgresql_url.replace("iotops@", f"iotops:{CANARY}-database@")
    made = deploy(credentials.url(mosquitto.port), database_url, rules)
    made.env |= {"HOOK_PATH": f"{CANARY}-path", "HOOK_SECRET": f"whsec_{CANARY}{'A' * 40}"}
    made.start("up")
    made.wait_ready()
    return made


def command_lines(pid):
    """Yield what anybody on the machine sees of a process and those that it started."""
    yield Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from command_lines(child)


@pytest.mark.real("mosquitto")
@pytest.mark.real("postgresql")
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_no_secret_comes_out_anywhere(guarded, wait_until):
    """A12: not in logs, metrics, errors, diagnosis, backup, audit nor command lines, though all were used."""
    secret = guarded.token.split("_", 2)[2]
    guarded.post("/incidents", {"title": "it leaks", "severity": "critical"})
    wait_until(
        lambda: [each for each in guarded.get("/notifications")["items"] if each["attempts"]], what="a delivery tried"
    )
    paths = (
        "/api/v1/notifications",
        "/api/v1/ingest",
        "/api/v1/tokens",
        "/api/v1/audit/deeds",
        "/api/v1/incidents/999",
    )
    paths += (
        "/metrics",
        "/docs",
        "/api/v1/openapi.json",
        "/health/ready",
        "/sign-in",
        "/nowhere",
        "/api/v1/devices?x=1",
    )
    header = {"Authorization": f"Bearer {guarded.token}"}
    said = {path: httpx.get(f"{guarded.url}{path}", headers=header, timeout=60).text for path in paths}
    bad = httpx.post(f"{guarded.url}/api/v1/incidents", headers=header, content=b"{", timeout=60)
    said |= {
        "bad body": bad.text,
        "doctor": doctor(guarded, "text"),
        "doctor json": doctor(guarded, "json", "--bundle", "bundle.zip"),
    }
    said |= {
        "backup": guarded.iotops("db", "backup", "copy"),
        "audit": guarded.iotops("audit", "list", "--format", "json"),
    }
    said |= {
        "copy": (guarded.folder / "copy").read_bytes().decode("latin-1"),
        "tokens": guarded.iotops("token", "list"),
    }
    said |= {f"process {n}": line for n, line in enumerate(command_lines(guarded.processes["up"].pid))}
    said |= {file.name: file.read_text() for file in guarded.folder.glob("*.log")}
    with zipfile.ZipFile(guarded.folder / "bundle.zip") as bundle:
        said |= {name: bundle.read(name).decode() for name in bundle.namelist()}

    assert [name for name, text in said.items() if CANARY in text or secret in text] == []
    assert len([name for name in said if name.startswith("process")]) == 3
    assert "iotops:***@" in said["doctor json"]
    assert {"settings.json", "checks.json", "versions.json", "signs.json"} <= set(said)
    assert json.loads(said["signs.json"])["ingest"]["data"]["subscribed"]


def doctor(deployment, form, *more):
    """Return everything that `iotops doctor` prints: it is what people send along when they ask for help."""
    done = subprocess.run(
        [sys.executable, "-m", "iotops", "doctor", "--format", form, *more],
        env=deployment.env,
        cwd=deployment.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    "settings",
    [
        {"IOTOPS_BROKER__URL": f"ftp://ana:{CANARY}@here"},
        {"IOTOPS_BROKER__URL": f"mqtt://ana:{CANARY}@"},
        {"IOTOPS_BROKER__NONSENSE": CANARY},
        {"IOTOPS_BROKER__PASSWORD_FILE": "/nowhere", "IOTOPS_BROKER__URL": f"mqtt://ana:{CANARY}@127.0.0.1:9"},
        {"IOTOPS_DATABASE__URL": f"postgresql://ana:{CANARY}@127.0.0.1:9/x"},
        {"IOTOPS_DATABASE__URL": f"nonsense://ana:{CANARY}@here/x"},
    ],
    ids=range(6),
)
def test_no_secret_stands_in_an_error(settings, tmp_path):
    """A12: settings that cannot work are named without what was in them, on every way out."""
    done = subprocess.run(
        [sys.executable, "-m", "iotops", "token", "list"],
        env={**os.environ, **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert CANARY not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_settings_show_no_secret_however_they_are_printed():
    """A12: repr, str and JSON of the settings hide both URLs' passwords."""
    settings = load(broker={"url": f"mqtt://ana:{CANARY}@here"}, database={"url": f"postgresql://ana:{CANARY}@here/x"})

    assert (
        CANARY
        not in f"{settings!r} {settings} {settings.model_dump_json()} {json.dumps(settings.model_dump(), default=str)}"
    )


@pytest.mark.parametrize("listen", ["0.0.0.0:8000", "[::]:8000", "192.0.2.1:8000", "iotops.example.org:8000"])
def test_a_binding_that_others_can_reach_needs_tls_or_a_declared_proxy(listen, tmp_path):
    """Tokens never travel in the clear by accident; each of the two ways to say that they do not is enough."""
    safe = (ApiSettings(listen=listen, behind_proxy=True), ApiSettings(listen=listen, certificate_file=tmp_path))

    with pytest.raises(ConfigurationError, match="in the clear"):
        listen_address(Settings(api=ApiSettings(listen=listen)))

    assert [listen_address(Settings(api=api))[1] for api in safe] == [8000, 8000]
    assert issubclass(ConfigurationError, IotopsError)
