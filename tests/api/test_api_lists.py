"""/alerts, /rules, /dead-letters, /audit."""

import pytest
from sqlalchemy import select

from iotops.rules.alert import Change
from iotops.rules.rulefile import parse_rules
from iotops.store import rules
from iotops.store.tables import api_token, idempotency

RULE = """rules:
  - alert: freezer_warm
    when: temp > -15
    for: 10m
    summary: "${device} is warm"
"""


def test_an_alert_has_state_and_data_beside_each_other(client, machine):
    """The machine's fact, with the number of its incident."""
    machine.fires()

    (alert,) = client.get("/api/v1/alerts").json()["items"]

    assert alert == alert | {
        "rule": "freezer_warm",
        "instance": "paris/fz-1",
        "site": "paris",
        "device": "fz-1",
        "state": "firing",
        "data": "known",
        "mode": "live",
        "suppressed_by": None,
        "severity": "warning",
        "fired_at": "2026-01-01T00:00:00Z",
        "resolved_at": None,
        "incident": "INC-000001",
        "evidence": {"values": {"temp": -3.5}},
    }
    assert client.get(f"/api/v1/alerts/{alert['id']}").json() == alert


@pytest.mark.parametrize(
    ("query", "devices"),
    [
        ("", ["c", "b", "a"]),
        ("state=resolved", ["a"]),
        ("site=lyon", ["c"]),
        ("incident=INC-2", ["b"]),
        ("rule=none", []),
        ("severity=critical", []),
        ("data=known&device=a&device=c", ["c", "a"]),
    ],
)
def test_alerts_are_filtered(client, machine, query, devices):
    """Filters of different names all hold, values of one name are alternatives."""
    for site, device in (("paris", "a"), ("paris", "b"), ("lyon", "c")):
        machine.fires(site=site, device=device)
    machine.happens(machine.alert(Change.RESOLVED, site="paris", device="a", resolved_ms=1_767_225_700_000))

    listed = client.get(f"/api/v1/alerts?{query}").json()["items"]

    assert sorted(alert["device"] for alert in listed) == sorted(devices)


def test_another_sites_alert_does_not_exist(client, machine, token):
    """404 with a token of one site."""
    machine.fires(site="paris")
    alert_id = client.get("/api/v1/alerts").json()["items"][0]["id"]
    client.token = token("viewer", site="lyon")

    assert client.get("/api/v1/alerts").json()["items"] == []
    assert client.get(f"/api/v1/alerts/{alert_id}").status_code == 404


def test_rules_are_shown_as_they_run(client, database):
    """Source, version, state and errors of a loaded rule."""
    rule_set, _ = parse_rules({"cold.yaml": RULE})
    with database.begin() as unit:
        rules.keep_loaded(unit, rule_set, 1_767_225_600_000)

    (rule,) = client.get("/api/v1/rules").json()["items"]

    assert (rule["id"], rule["file"], rule["line"], rule["state"]) == ("freezer_warm", "cold.yaml", 2, "loaded")
    assert "when: temp > -15" in rule["source"]
    assert client.get("/api/v1/rules/freezer_warm").json() == rule
    assert client.get("/api/v1/rules/other").json()["code"] == "not_found"


@pytest.mark.parametrize(
    "options",
    [
        {"content": RULE, "headers": {"Content-Type": "application/yaml"}},
        {"content": RULE},
        {"json": {"text": RULE}},
    ],
)
def test_rules_are_checked_as_text(client, options):
    """YAML as it is, or in a JSON object, gives the same answer."""
    answer = client.request("POST", "/api/v1/rules/check", **options)

    assert answer.status_code == 200
    assert answer.json()["ok"] is True
    assert answer.json()["rules"] == ["freezer_warm"]


def test_a_finding_names_its_place(client):
    """File, line, column and code, and the text that the command line prints."""
    answer = client.request("POST", "/api/v1/rules/check", content=RULE.replace("temp > -15", "temp >"))

    finding = next(each for each in answer.json()["findings"] if each["level"] == "error")
    assert answer.json()["ok"] is False
    assert (finding["file"], finding["line"]) == ("rules.yaml", 3)
    assert finding["text"].startswith(f"rules.yaml:3:{finding['column']}: error[{finding['code']}]")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"json": {"text": 5}}, "validation_failed"),
        ({"json": {"text": "", "more": 1}}, "validation_failed"),
        ({"content": b"\xff\xfe"}, "malformed_body"),
    ],
)
def test_text_that_is_none_is_refused(client, options, code):
    """What is no UTF-8, or no `text`, is a problem and not a finding."""
    assert client.request("POST", "/api/v1/rules/check", **options).json()["code"] == code


def test_a_dead_letter_says_why_and_shows_its_head(client, machine):
    """The members of CONTRACT; bytes escaped."""
    machine.rejects("iot/paris/fz-1/telemetry", b'{"temp": \x00\xff', "bad_json")

    (letter,) = client.get("/api/v1/dead-letters").json()["items"]

    assert letter == letter | {
        "received_at": "2026-01-01T00:00:00Z",
        "topic": "iot/paris/fz-1/telemetry",
        "reason": "bad_json",
        "size": 11,
        "head": '{"temp": \\x00\\xff',
    }
    assert len(letter["sha256"]) == 64
    assert client.get(f"/api/v1/dead-letters/{letter['id']}").json() == letter


def test_dead_letters_are_filtered_and_walked(client, machine, token):
    """By reason, newest first, by cursor; a token of one site sees those of its topics only."""
    for place in range(4):
        machine.rejects(f"iot/{'paris' if place % 2 else 'Paris'}/d/telemetry", b"x%d" % place, f"r{place % 2}")

    first = client.get("/api/v1/dead-letters?limit=3").json()
    rest = client.get("/api/v1/dead-letters", params={"cursor": first["next_cursor"]}).json()
    chosen = client.get("/api/v1/dead-letters?reason=r1").json()["items"]
    client.token = token("viewer", site="paris")
    own = client.get("/api/v1/dead-letters").json()["items"]

    ids = [letter["id"] for letter in first["items"] + rest["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 4
    assert {letter["reason"] for letter in chosen} == {"r1"}
    assert {letter["topic"] for letter in own} == {"iot/paris/d/telemetry"}
    other = next(number for number in ids if number not in {letter["id"] for letter in own})
    assert client.get(f"/api/v1/dead-letters/{other}").status_code == 404


def test_the_audit_finds_the_chain_whole_and_gives_an_anchor(client, machine):
    """What it says can be handed back later as the anchor that truncation shows against."""
    machine.fires()

    first = client.get("/api/v1/audit").json()
    client.post("/api/v1/incidents/1/acknowledge")
    anchored = client.get("/api/v1/audit", params={"seq": first["head"], "hash": first["hash"]}).json()
    foreign = client.get("/api/v1/audit", params={"seq": first["head"], "hash": "0" * 64}).json()

    assert (first["whole"], first["head"]) == (True, 1)
    assert (anchored["whole"], anchored["head"]) == (True, 2)
    assert (foreign["whole"], foreign["fault"]["kind"]) == (False, "anchor")


def test_half_an_anchor_is_refused(client):
    """seq and hash belong together."""
    assert client.get("/api/v1/audit?seq=1").json()["code"] == "bad_request"


def test_a_secret_is_nowhere_in_the_database(client, database):
    """Tokens and sessions are stored as digests, and repeated requests without their secret."""
    text = client.post("/api/v1/tokens", {"role": "viewer"}, headers={"Idempotency-Key": "k"}).json()["token"]
    secret = text.split("_", 2)[2]

    with database.read() as unit:
        kept = [unit.connection.execute(select(table)).all() for table in (api_token, idempotency)]

    assert secret not in repr(kept)


TESTED = """metrics:
  temp: {unit: °C}
rules:
  - alert: freezer_warm
    when: temp > -15
    summary: "${device} is warm"
    tests:
      - name: warm
        every: 1m
        given: {temp: -20x2 -10x2 -20x2}
        expect: {2m: warning, 4m: resolved}
"""


def test_rules_are_tested_as_text(client):
    """The tests beside the rules run through the engine."""
    answer = client.request("POST", "/api/v1/rules/test", content=TESTED).json()

    assert answer == {
        "ok": True,
        "findings": [],
        "results": [{"rule": "freezer_warm", "test": "warm", "line": 8, "passed": True, "explanation": []}],
    }


def test_a_failed_test_is_explained(client):
    """What was expected and what happened, as the command line prints it."""
    answer = client.request("POST", "/api/v1/rules/test", content=TESTED.replace("4m: resolved", "5m: resolved")).json()

    assert (answer["ok"], answer["results"][0]["passed"]) == (False, False)
    assert any("4m: resolved" in line for line in answer["results"][0]["explanation"])


@pytest.mark.parametrize("given", ["{temp: {file: /etc/passwd}}", "{test-1: {temp: {file: ../secret.csv}}}"])
def test_rules_from_the_wire_read_no_files_of_the_server(client, given):
    """A recording can be named on the command line only."""
    text = TESTED.replace("{temp: -20x2 -10x2 -20x2}", given)

    answer = client.request("POST", "/api/v1/rules/test", content=text)

    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert "root" not in answer.text
