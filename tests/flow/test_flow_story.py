"""From a published message to what a person sees: the stories that everything else rests on."""

import pytest

pytestmark = pytest.mark.real("mosquitto")

FREEZER = """
metrics:
  temp: {unit: °C, kind: gauge, every: 1m, valid: [-60, 80]}
rules:
  - alert: freezer_warm
    match: {device: "fz-*"}
    when:
      warning: temp > -15
      critical: temp > -10
    for: {warning: 10m, critical: 2m}
    until: temp < -18
    summary: ${device.name} at ${temp:.1f} °C
"""
SILENT = """
metrics:
  temp: {unit: °C, kind: gauge, every: 1s}
rules:
  - alert: room_hot
    when: temp > 30
"""
START = 1_767_225_600  # 2026-01-01T00:00:00Z
MINUTE = 60


def report(device, minute, temp):
    device.publish("iot/paris/fz-1/telemetry", {"ts": START + minute * MINUTE, "temp": temp})


def test_warm_freezer_is_one_incident_through_a_kill_until_it_is_cold(
    mosquitto, device, database_url, deploy, wait_until
):
    """One cause is one incident: it counts on over a SIGKILL, and resolves on cold readings only."""
    iotops = deploy(mosquitto.url, database_url, {"cold.yaml": FREEZER}, "ingest", "api")

    for minute in range(12):
        report(device, minute, -20 if minute == 0 else -14)
    wait_until(lambda: len(iotops.incidents()) == 1, what="one incident")
    (incident,) = iotops.incidents()
    assert incident["number"] == "INC-000001"
    assert (incident["rule"], incident["site"], incident["device"]) == ("freezer_warm", "paris", "fz-1")
    assert (incident["state"], incident["severity"], incident["data"]) == ("new", "warning", "known")
    assert incident["fired_at"] == "2026-01-01T00:11:00Z"

    before = incident["occurrence_count"]
    iotops.kill("ingest")
    for minute in range(12, 16):
        report(device, minute, -13)
    iotops.start("ingest")
    iotops.wait_ready()
    wait_until(lambda: iotops.incidents()[0]["occurrence_count"] == before + 4, what="a larger count after the restart")
    assert [found["number"] for found in iotops.incidents()] == ["INC-000001"]

    for minute in range(16, 19):
        report(device, minute, -20)
    wait_until(lambda: iotops.incidents()[0]["state"] == "resolved", what="the incident resolved")
    (incident,) = iotops.incidents()
    assert incident["resolved_at"] is not None
    assert [entry["type"] for entry in iotops.get("/incidents/INC-1/timeline")["items"]][:1] == ["raised"]
    points = iotops.get("/devices/paris/fz-1/telemetry", metric="temp")["points"]
    assert len(points) == 19
    iotops.iotops("audit", "verify")


def test_escalation_changes_the_one_incident(mosquitto, device, database_url, deploy, wait_until):
    """A higher tier raises the severity and priority of the incident that is open."""
    iotops = deploy(mosquitto.url, database_url, {"cold.yaml": FREEZER}, "ingest", "api")

    for minute in range(16):
        report(device, minute, -14 if minute < 12 else -5)
    wait_until(lambda: [found["severity"] for found in iotops.incidents()] == ["critical"], what="a critical incident")

    assert iotops.incidents()[0]["priority"] == "P3"


def test_silent_device_turns_its_incident_unknown_and_never_resolves_it(
    mosquitto, device, database_url, deploy, wait_until
):
    """Silence is not recovery: the incident stays open, its data unknown, until readings come again."""
    iotops = deploy(mosquitto.url, database_url, {"room.yaml": SILENT}, "ingest", "api")

    device.publish("iot/paris/room-1/telemetry", {"temp": 35})
    wait_until(lambda: len(iotops.incidents()) == 1, what="one incident")
    wait_until(lambda: iotops.incidents()[0]["data"] == "unknown", what="unknown data")
    assert iotops.incidents()[0]["state"] == "new"

    device.publish("iot/paris/room-1/telemetry", {"temp": 35})
    wait_until(lambda: iotops.incidents()[0]["data"] == "known", what="known data")
    device.publish("iot/paris/room-1/telemetry", {"temp": 20})
    wait_until(lambda: iotops.incidents()[0]["state"] == "resolved", what="the incident resolved")
    assert len(iotops.incidents()) == 1


def test_what_a_person_did_stands_while_the_machine_counts_on(mosquitto, device, database_url, deploy, wait_until):
    """Acknowledging and assigning is never overwritten by the next batch."""
    iotops = deploy(mosquitto.url, database_url, {"cold.yaml": FREEZER}, "ingest", "api")
    for minute in range(12):
        report(device, minute, -14)
    wait_until(lambda: len(iotops.incidents()) == 1, what="one incident")

    iotops.post("/incidents/INC-1/acknowledge")
    iotops.post("/incidents/INC-1/assign", {"assignee": "ana", "team": "cold-chain"})
    before = iotops.incidents()[0]["occurrence_count"]
    for minute in range(12, 20):
        report(device, minute, -14)
    wait_until(lambda: iotops.incidents()[0]["occurrence_count"] == before + 8, what="the count")

    (incident,) = iotops.incidents()
    assert (incident["state"], incident["assignee"], incident["team"]) == ("in_progress", "ana", "cold-chain")
    assert incident["acknowledged_at"] is not None


def test_bad_messages_become_dead_letters_beside_good_ones(mosquitto, device, database_url, deploy, wait_until):
    """A message that cannot be used is kept with its reason, and never stops its neighbours."""
    iotops = deploy(mosquitto.url, database_url, {"cold.yaml": FREEZER}, "ingest", "api")

    device.publish("iot/paris/fz-1/telemetry", b"\xff\xfe not text")
    device.publish("iot/paris/fz-1/telemetry", '{"temp": NaN}')
    device.publish("iot/paris/fz-1/telemetry", {"ts": "yesterday", "temp": 1})
    report(device, 0, -20)
    wait_until(lambda: len(iotops.get("/dead-letters")["items"]) == 3, what="three dead letters")

    assert len(iotops.get("/devices/paris/fz-1/telemetry", metric="temp")["points"]) == 1
    assert {letter["topic"] for letter in iotops.get("/dead-letters")["items"]} == {"iot/paris/fz-1/telemetry"}


def test_retained_reading_is_no_new_sample(mosquitto, device, database_url, deploy, wait_until):
    """What the broker kept from before is last-known state: nothing fires on it."""
    device.publish("iot/paris/fz-1/telemetry", {"temp": 40}, retain=True)
    device.publish("iot/paris/fz-1/status", "online", retain=True)

    iotops = deploy(mosquitto.url, database_url, {"hot.yaml": SILENT}, "ingest", "api")
    device.publish("iot/paris/other/telemetry", {"temp": 10})
    wait_until(
        lambda: any(found["device"] == "other" for found in iotops.get("/devices")["items"]), what="the other device"
    )

    assert iotops.incidents() == []
    wait_until(lambda: iotops.get("/devices/paris/fz-1")["online"] is True, what="the presence of fz-1")


def test_rules_are_reloaded_and_a_broken_file_leaves_the_old_set(mosquitto, device, database_url, deploy, wait_until):
    """A good edit works within seconds; a bad one changes nothing and is said."""
    iotops = deploy(mosquitto.url, database_url, {"room.yaml": SILENT}, "ingest", "api")

    (iotops.rules / "room.yaml").write_text(SILENT.replace("room_hot", "room_warm").replace("> 30", "> 20"))
    wait_until(
        lambda: [rule["id"] for rule in iotops.get("/rules")["items"]] == ["clock_skew", "data_gap", "room_warm"],
        what="the new set",
    )
    (iotops.rules / "room.yaml").write_text("rules:\n  - alert: room_warm\n    when: temp >\n")
    wait_until(lambda: "room.yaml:3" in str(iotops.get("/ingest")["warnings"]), what="the error being shown")
    assert iotops.ready
    device.publish("iot/paris/room-1/telemetry", {"temp": 25})

    wait_until(
        lambda: [found["rule"] for found in iotops.incidents()] == ["room_warm"], what="an incident of the old set"
    )
