"""`iotops doctor` with real parts in good and in bad order."""

import json
import re
import shutil

import pytest
from sqlalchemy import insert, text

from iotops.broker.enrolment.authority import Authority
from iotops.clock import now_ms
from iotops.store import heartbeats
from iotops.store.heartbeats import Heartbeat
from iotops.store.tables import notice

HEALTHY = {"ready": True, "reasons": [], "subscribed": True, "rules_error": None, "rules_loaded": 1, "devices": 2}


@pytest.fixture
def look(run):
    """Run the doctor and return exit status and name -> check."""

    def looked():
        ran = run("doctor", "--format", "json")
        return ran.status, {check["name"]: check for check in json.loads(ran.out)["checks"]}

    return looked


@pytest.fixture
def good_order(run, mosquitto, api, tmp_path, monkeypatch, database_file):
    """Broker, database, API and one rule, all as they should be."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "hot.yaml").write_text("rules:\n  - {alert: hot, when: temp > 30}\n")
    database_file.chmod(0o600)
    monkeypatch.setenv("IOTOPS_BROKER__URL", mosquitto.url)
    monkeypatch.setenv("IOTOPS_API__LISTEN", api.removeprefix("http://"))


def beat(database, at_ms, **more):
    with database.begin() as unit:
        told = {**HEALTHY, "last_message_ms": at_ms, **more}
        heartbeats.beat(unit, Heartbeat("ingest", at_ms, at_ms, told))


@pytest.mark.real("mosquitto")
def test_everything_in_order_is_ok(run, look, good_order, database):
    """No check warns, and the status is 0."""
    beat(database, now_ms())

    status, checks = look()

    assert {name: check["level"] for name, check in checks.items()} == dict.fromkeys(checks, "ok")
    assert status == 0
    assert set(checks) == {
        "database",
        "journal",
        "disk",
        "secrets",
        "broker",
        "subscription",
        "dropped",
        "rules",
        "notices",
        "ingest",
        "clock",
        "outbox",
        "api",
    }
    assert run("doctor").out.rstrip().endswith("13 ok, 0 warning, 0 failed")


@pytest.mark.real("mosquitto")
@pytest.mark.parametrize(
    ("at_ms", "more", "name", "level"),
    [
        (-60_000, {}, "ingest", "failed"),
        (0, {"ready": False, "reasons": ["broker: not subscribed"]}, "ingest", "failed"),
        (0, {"rules_error": "bad.yaml:1"}, "ingest", "warning"),
        (60_000, {}, "clock", "failed"),
        (0, {"devices": 190_000}, "limits", "warning"),
        (0, {"dead_letters_by_reason": {"metric_limit": 3}}, "limits", "warning"),
        (0, {"takeovers": 2}, "client id", "warning"),
        (0, {"session_losses": 1}, "session", "warning"),
        (0, {"last_message_ms": None}, "messages", "warning"),
        (0, {"last_message_ms": 1}, "messages", "warning"),
    ],
)
def test_ingest_that_is_not_well_is_told(look, good_order, database, at_ms, more, name, level):
    """Silence, its own reasons and another clock are failures; refused rules are a warning: the old ones work on."""
    beat(database, now_ms() + at_ms, **more)

    status, checks = look()

    assert (status, checks[name]["level"]) == (int(level == "failed"), level)
    assert checks[name]["advice"]


def test_fresh_machine_fails_only_in_what_is_missing(run, look, monkeypatch, tmp_path, free_port):
    """Nothing was started yet: looking makes no database, and says what to do."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", f"mqtt://ana:geheim@127.0.0.1:{free_port()}")
    monkeypatch.setenv("IOTOPS_DATABASE__URL", "sqlite:///new.db")
    monkeypatch.setenv("IOTOPS_API__LISTEN", f"127.0.0.1:{free_port()}")

    status, checks = look()

    levels = {name: check["level"] for name, check in checks.items()}
    assert status == 1
    assert levels == {"database": "warning", "disk": "ok", "broker": "failed", "rules": "failed", "api": "warning"}
    assert not (tmp_path / "new.db").exists()


def test_secrets_are_redacted(run, monkeypatch, free_port):
    """No password is printed, in no form and in no error."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", f"mqtt://ana:geheim@127.0.0.1:{free_port()}")
    monkeypatch.setenv("IOTOPS_DATABASE__URL", f"postgresql://ana:geheim@127.0.0.1:{free_port()}/iotops")

    text, program = run("doctor"), run("doctor", "--format", "json")

    assert "geheim" not in text.out + text.err + program.out + program.err
    assert json.loads(program.out)["settings"]["broker"]["url"].startswith("mqtt://ana:***@")
    assert "ana:***@" in text.out


def test_unsafe_address_is_a_failure(look, monkeypatch, free_port):
    """The doctor says before the start what the start would refuse."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", f"mqtt://127.0.0.1:{free_port()}")
    monkeypatch.setenv("IOTOPS_API__LISTEN", "0.0.0.0:8000")

    _, checks = look()

    assert checks["api"]["level"] == "failed"
    assert "tokens would travel in the clear" in checks["api"]["found"]


@pytest.mark.real("mosquitto")
def test_password_that_is_wrong_is_told(look, good_order, mosquitto, tmp_path):
    """A broker that does not know us is a failure that names user and password."""
    (tmp_path / "passwords").write_text("")
    mosquitto.stop()
    mosquitto.start(extra=f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}")

    status, checks = look()

    assert (status, checks["broker"]["level"]) == (1, "failed")
    assert "check user and password" in checks["broker"]["found"]


def test_older_schema_and_open_files_are_told(look, database_file, tmp_path, monkeypatch, free_port):
    """A database that was never migrated fails, one that everybody can read is a warning."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", f"mqtt://127.0.0.1:{free_port()}")
    database_file.touch(mode=0o644)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "bad.yaml").write_text("rules: [{alert: x, when: temp >}]\n")

    _, checks = look()

    assert (checks["database"]["level"], checks["database"]["advice"]) == ("failed", "run `iotops db upgrade`")
    assert (checks["secrets"]["level"], checks["journal"]["level"]) == ("warning", "warning")
    assert checks["rules"]["level"] == "failed"
    assert "bad.yaml:1" in checks["rules"]["found"]


@pytest.mark.real("postgresql")
def test_postgresql_is_asked_for_its_clock(look, postgresql_url, monkeypatch, free_port, run):
    """On PostgreSQL the server's clock is compared, and neither file nor disk are ours to see."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", f"mqtt://127.0.0.1:{free_port()}")
    monkeypatch.setenv("IOTOPS_DATABASE__URL", postgresql_url)
    run("db", "upgrade")

    _, checks = look()

    assert (checks["database"]["level"], checks["database clock"]["level"]) == ("ok", "ok")
    assert not {"disk", "secrets", "journal"} & set(checks)


@pytest.mark.real("mosquitto")
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed; apt-get install openssl")
def test_certificates_that_are_not_good_are_told_apart(look, good_order, mosquitto, tmp_path, free_port, monkeypatch):
    """Expired, for another name, of an authority that is not ours, no TLS: each is said, with what to check."""
    ports, lines = (free_port(), free_port()), []
    for port, host, days in ((ports[0], "127.0.0.1", 0), (ports[1], "broker.example.org", 1)):
        home = tmp_path / str(port)
        home.mkdir()
        Authority(home).issue(host, days=days, now_ms=now_ms(), hosts=(host,))
        pair = f"certfile {home}/issued/{host}.crt\nkeyfile {home}/issued/{host}.key"
        lines += [f"listener {port} 127.0.0.1\nallow_anonymous true\ncafile {home}/ca.crt\n{pair}"]
    mosquitto.stop()
    mosquitto.start("\n".join(lines))

    def told(port, ca):
        monkeypatch.setenv("IOTOPS_BROKER__URL", f"mqtts://127.0.0.1:{port}")
        monkeypatch.setenv("IOTOPS_BROKER__CA_FILE", str(ca))
        status, checks = look()
        assert (status, checks["broker"]["level"]) == (1, "failed")
        return checks["broker"]["found"]

    assert re.search(r"expired.*until when", told(ports[0], tmp_path / str(ports[0]) / "ca.crt"))
    assert re.search(r"mismatch.*for which names", told(ports[1], tmp_path / str(ports[1]) / "ca.crt"))
    assert re.search(r"verify failed.*who signed it", told(ports[1], tmp_path / str(ports[0]) / "ca.crt"))
    assert re.search(r"this port speaks TLS", told(mosquitto.port, tmp_path / str(ports[0]) / "ca.crt"))
    assert "broker.ca_file" in told(ports[0], tmp_path / "absent")


def test_disk_schema_and_files_that_are_not_well_are_told(run, look, database, database_file, tmp_path, monkeypatch):
    """A full disk fails before anything is lost, a newer schema names the way out, and an open key its chmod."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", "mqtt://127.0.0.1:1")
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12 - 5 * 10**7, 5 * 10**7))
    smtp = tmp_path / "smtp"
    for file in (smtp, tmp_path / "broker" / "ca.key"):
        file.parent.mkdir(exist_ok=True)
        file.write_text("geheim")
        file.chmod(0o644)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "notify.yaml").write_text(f"# ${{file:{smtp}}}\n")
    with database.begin() as unit:
        unit.connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    ran = run("doctor", "--format", "json")
    checks = json.loads(ran.out)["checks"]

    told = [(check["name"], check["level"]) for check in checks]
    assert {("disk", "failed"), ("database", "failed")} <= set(told)
    assert "start the newer iotops" in next(check["found"] for check in checks if check["name"] == "database")
    assert {f"chmod o-r {smtp}", "chmod o-r broker/ca.key"} <= {check["advice"] for check in checks}
    assert "geheim" not in ran.out


@pytest.mark.parametrize(
    ("values", "level", "found"),
    [
        ({"state": "pending", "due_ms": -600_000}, "failed", "due for 60"),
        ({"state": "pending", "due_ms": 60_000, "error": "503"}, "warning", "tried again"),
        ({"state": "failed", "due_ms": -600_000, "error": "503"}, "warning", "given up"),
        ({"state": "delivered", "due_ms": -600_000}, "ok", "nothing is overdue"),
        ({"state": "pending", "due_ms": 60_000}, "ok", "nothing is overdue"),
    ],
)
def test_notifications_that_do_not_go_out_are_told(look, database, monkeypatch, values, level, found):
    """Overdue means that nobody sends; refused ones are the channel's matter; waiting ones are nobody's."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", "mqtt://127.0.0.1:1")
    now = now_ms()
    row = {"key": "k", "route": "r", "channel": "c", "events": [], "attempts": 1, "created_ms": now, "updated_ms": now}
    with database.begin() as unit:
        unit.connection.execute(insert(notice), {**row, **values, "due_ms": now + values["due_ms"]})

    _, checks = look()

    assert checks["outbox"]["level"] == level
    assert found in checks["outbox"]["found"]


def test_a_damaged_database_is_told_with_a_way_back(look, database_file, monkeypatch):
    """What is no database any more is named as such, and the remedy is a backup."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", "mqtt://127.0.0.1:1")
    database_file.write_bytes(b"no database at all" * 1_000)

    status, checks = look()

    assert (status, checks["database"]["level"]) == (1, "failed")
    assert "iotops db restore" in checks["database"]["advice"]


def test_a_bundle_is_for_our_eyes_and_overwrites_nothing(run, tmp_path, monkeypatch):
    """What is sent along is seen first by whoever sends it; an older file is not lost to a slip."""
    monkeypatch.setenv("IOTOPS_BROKER__URL", "mqtt://127.0.0.1:1")
    file = tmp_path / "help.zip"

    run("doctor", "--bundle", file)
    again = run("doctor", "--bundle", file)

    assert (file.stat().st_mode & 0o777, again.status) == (0o600, 1)
    assert "name a new file" in again.err
