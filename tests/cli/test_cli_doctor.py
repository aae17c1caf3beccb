"""`iotops doctor` with real parts in good and in bad order."""

import json

import pytest

from iotops.clock import now_ms
from iotops.store import heartbeats
from iotops.store.heartbeats import Heartbeat

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
        heartbeats.beat(unit, Heartbeat("ingest", at_ms, at_ms, {**HEALTHY, **more}))


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
        "api",
    }
    assert run("doctor").out.rstrip().endswith("12 ok, 0 warning, 0 failed")


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
