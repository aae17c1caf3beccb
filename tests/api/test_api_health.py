"""Health tells the truth, and /metrics what Prometheus expects."""

import asyncio
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from iotops.api.app import create_app
from iotops.settings import ApiSettings, Settings
from iotops.store.database import Database


def now_ms():
    return time.time_ns() // 1_000_000


def test_live_needs_nothing(client):
    """The process answers without token, ingest or rules."""
    client.token = None

    assert client.get("/health/live").json()["status"] == "ok"


def test_ready_where_the_ingest_is(client, machine):
    """200 with a fresh sign of life of a subscribed ingest that has its rules."""
    machine.beats(now_ms())
    client.token = None

    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"subscribed": False}, "subscription"),
        ({"ready": False, "reasons": ["the database is busy"]}, "the database is busy"),
        ({"ready": False}, "not ready"),
    ],
)
def test_not_ready_says_what_is_missing(client, machine, said, reason):
    """503 with the list of reasons, as a problem."""
    machine.beats(now_ms(), **said)

    answer = client.get("/health/ready")

    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert reason in answer.json()["reasons"][0]


def test_refused_rule_files_are_a_warning(client, machine):
    """The rules from before are in force, so all works; the refusal is said with its place."""
    machine.beats(now_ms(), rules_error="cold.yaml:3:1: error[x]")

    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert "cold.yaml:3:1" in answer.json()["warnings"][0]


def test_an_ingest_that_went_silent_is_not_ready(client, machine):
    """A sign of life older than 10 s counts as none; one that never came too."""
    never = client.get("/health/ready").json()["reasons"]
    machine.beats(now_ms() - 11_000)
    late = client.get("/health/ready").json()["reasons"]

    assert "never" in never[0]
    assert "11 s ago" in late[0]


def test_an_old_schema_is_not_ready(empty_database_url):
    """A database that was not upgraded says so instead of failing somewhere."""
    database = Database.open(empty_database_url)
    app = create_app(database, Settings())
    with asyncio.Runner() as runner:
        answer = ask(app, runner, "/health/ready")
    database.close()

    assert answer.status_code == 503
    assert "iotops db upgrade" in answer.json()["reasons"][0]


def ask(app, runner, path, **headers):
    async def send():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://x") as client:
            return await client.get(path, headers=headers)

    return runner.run(send())


def test_ingest_says_how_far_it_is(client, machine):
    """Lag, newest message and totals, for the bar of the console."""
    machine.beats(now_ms(), lag_ms=420, last_message_ms=1_767_225_600_000, messages=10, stored=8, devices=2)

    said = client.get("/api/v1/ingest").json()

    assert (said["ready"], said["lag_ms"], said["stored"], said["devices"]) == (True, 420, 8, 2)
    assert said["last_message_at"] == "2026-01-01T00:00:00Z"


def scraped(client):
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_are_what_ingest_and_database_say(client, machine):
    """Counters end in _total, times are in seconds, labels tell reasons, rules and states apart."""
    machine.beats(
        now_ms(),
        messages=10,
        stored=8,
        duplicates=1,
        dead_lettered=1,
        dead_letters_by_reason={"bad_json": 1},
        lag_ms=250,
        commit_ms_last=12,
        reconnects=2,
        session_losses=1,
        buffered=3,
        rule_faults={"freezer_warm": 4},
    )
    machine.fires()

    figures = scraped(client)

    assert figures["iotops_build_info", ("version", "1.2.3")] == 1
    assert figures[("iotops_ingest_ready",)] == 1
    assert figures[("iotops_messages_total",)] == 10
    assert figures[("iotops_messages_stored_total",)] == 8
    assert figures[("iotops_messages_duplicate_total",)] == 1
    assert figures["iotops_dead_letters_total", ("reason", "bad_json")] == 1
    assert figures[("iotops_ingest_lag_seconds",)] == 0.25
    assert figures[("iotops_commit_seconds",)] == 0.012
    assert figures[("iotops_broker_reconnects_total",)] == 2
    assert figures["iotops_rule_errors_total", ("rule", "freezer_warm")] == 4
    assert figures["iotops_incidents_open", ("priority", "P4"), ("state", "new")] == 1


def test_an_ingest_that_never_ran_has_no_figures(client):
    """Absent is not zero."""
    figures = scraped(client)

    assert figures[("iotops_ingest_ready",)] == 0
    assert ("iotops_messages_total",) not in figures


@pytest.mark.parametrize("path", ["/metrics", "/docs", "/api/v1/openapi.json"])
def test_what_is_open_on_loopback_needs_a_token_beyond_it(database, token, path):
    """Where others can reach us, figures and reference are for those with a token."""
    app = create_app(database, Settings(api=ApiSettings(listen="0.0.0.0:8000", behind_proxy=True)))
    with asyncio.Runner() as runner:
        without = ask(app, runner, path)
        bearer = ask(app, runner, path, authorization=f"Bearer {token('viewer')}")

    assert (without.status_code, bearer.status_code) == (401, 200)
