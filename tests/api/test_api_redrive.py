"""/dead-letters/redrive and /counts: another try over HTTP, through a real broker."""

import pytest

from iotops.api.app import create_app
from iotops.settings import BrokerSettings, Settings

PATH = "/api/v1/dead-letters"


@pytest.fixture
def near(client, database):
    """Let the client's API know a broker."""

    def make(url):
        client.app = create_app(database, Settings(broker=BrokerSettings(url=url)))
        return client

    return make


@pytest.mark.real("mosquitto")
def test_letters_are_sent_once_and_the_chain_tells_who_did(near, machine, mosquitto):
    """A dry run sends nothing, a repetition nothing more; counts and deeds say what happened."""
    for number in range(60):
        machine.rejects(f"iot/paris/fz-{number}/telemetry", b"{", "bad_json" if number else "unknown_topic")
    client = near(mosquitto.url)

    dry = client.post(f"{PATH}/redrive", {"dry_run": True}).json()
    one, rest, again = (
        client.post(f"{PATH}/redrive", {"reasons": each}).json() for each in (["unknown_topic"], [], [])
    )

    assert [each["sent"] for each in (dry, one, rest, again)] == [60, 1, 59, 0]
    counts = client.get(f"{PATH}/counts").json()["items"]
    assert [(each["reason"], each["kept"], each["waiting"]) for each in counts] == [
        ("bad_json", 59, 0),
        ("unknown_topic", 1, 0),
    ]
    deeds = client.get("/api/v1/audit/deeds?action=redrive_dead_letters").json()["items"]
    assert [each["data"]["sent"] for each in deeds] == [0, 59, 1]


def test_what_cannot_be_sent_waits_and_who_may_not_is_refused(near, machine, token, free_port):
    """Without a broker nothing is marked; operators, and tokens of one site, send nothing."""
    machine.rejects("iot/paris/fz-1/telemetry", b"{")
    client = near(f"mqtt://127.0.0.1:{free_port()}")

    answer = client.post(f"{PATH}/redrive", {})

    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    assert client.get(f"{PATH}/counts").json()["items"][0]["waiting"] == 1
    for bearer in (token("operator"), token("admin", site="paris")):
        client.token = bearer
        assert client.post(f"{PATH}/redrive", {}).status_code == 403
    assert client.get(f"{PATH}/counts").json()["items"][0]["kept"] == 1
    client.token = token("viewer", site="rome")
    assert client.get(f"{PATH}/counts").json()["items"] == []


def test_a_rule_of_the_files_is_tested_and_backtested_while_nobody_waits(client, tmp_path, wait_until, token):
    """The run says how far it is, only to who began it, and in the end what POST /rules/backtest says."""
    (tmp_path / "cold.yaml").write_text(
        "metrics:\n  temp: {kind: gauge}\nrules:\n  - alert: warm\n    when: temp > 5\n    tests:\n"
        "      - {name: at once, given: {temp: {0s: 1, 1m: 9}}, expect: {1m: warning}}\n"
    )

    tested = client.post("/api/v1/rules/warm/test").json()
    begun = client.post("/api/v1/rules/warm/backtests?days=1")
    path = f"/api/v1/rules/backtests/{begun.json()['id']}"
    wait_until(lambda: client.get(path).json()["state"] != "running", what="the backtest being done")
    run = client.get(path).json()
    client.token = token("admin")

    assert ([each["passed"] for each in tested["results"]], tested["ok"]) == ([True], True)
    assert (begun.status_code, run["state"], run["answer"]["alerts"]) == (202, "done", [])
    assert client.get(path).status_code == 404
    assert client.post("/api/v1/rules/none/backtests").status_code == 404
