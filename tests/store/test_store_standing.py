"""How services stand as the database has it: judged from devices, incidents and suppressions, and remembered."""

import pytest

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.rules.dependency import Dependency, Node
from iotops.rules.rule import Severity
from iotops.rules.servicefile import DeclaredServices
from iotops.store import incidents, standing, suppressions, topology
from iotops.telemetry.reading import DeviceKey, Reading

NOW_MS = 1_767_225_600_000
MINUTE_MS = 60_000
ANA = Actor("token", "ana")
SAID = {"kind": "maintenance", "timezone": "UTC", "until_cleared": False, "reason": "r", "owner": "o"}


@pytest.fixture
def world(database, ingest):
    """A service `pay` that runs on `net`, with three and two devices, all of them heard from."""
    edges = [Dependency(Node("service", "pay"), "runs_on", Node("service", "net"))]
    runs = {"pay": ("t-1", "t-2", "t-3"), "net": ("r-1", "r-2")}
    for name, devices in runs.items():
        edges += [Dependency(Node("service", name), "runs_on", Node("device", f"paris/{each}")) for each in devices]
    with database.begin() as unit:
        services = {"pay": {"name": "Payment", "public": True}, "net": {}, "empty": {}}
        topology.declare(unit, DeclaredServices(services=services, dependencies=tuple(edges)), NOW_MS)
    everybody = [DeviceKey("paris", each) for devices in runs.values() for each in devices]
    ingest.store(*(Reading(key, NOW_MS, NOW_MS, {"x": 1}, key.device.encode()) for key in everybody))
    return database


def look(database, now_ms=NOW_MS):
    standing.follow(database, now_ms, silent_ms=15 * MINUTE_MS, threshold=0.5)


def shown(database, name, now_ms=NOW_MS):
    with database.read() as unit:
        return standing.account(unit, name, now_ms, near=0.8)


def fail(database, device, severity=Severity.CRITICAL, now_ms=NOW_MS):
    with database.begin() as unit:
        made = incidents.create(
            unit,
            ANA,
            now_ms,
            title=f"{device} is broken",
            policy=Policy(),
            severity=severity,
            site="paris",
            device=device,
        )
    return made.number


def do(database, number, action, now_ms=NOW_MS, **details):
    with database.begin() as unit:
        incidents.act(unit, number, action, ANA, now_ms, policy=Policy(), **details)


def test_a_fault_beneath_concerns_what_runs_on_it(world):
    """Half of `net` is out: an outage of it, and `pay`, of whose five things one fails, is degraded."""
    look(world)
    before = [shown(world, name).state for name in ("pay", "net", "empty")]
    number = fail(world, "r-1")
    look(world, NOW_MS + 10_000)

    net, pay = (shown(world, name, NOW_MS + 10_000) for name in ("net", "pay"))

    assert before == ["operational", "operational", "unknown"]
    assert (net.state, net.affected, net.devices, net.since_ms) == ("outage", 1, 2, NOW_MS + 10_000)
    assert (pay.state, pay.affected, pay.devices) == ("degraded", 1, 5)
    assert [report.number for report in pay.open] == [number]


def test_what_is_over_is_remembered_with_its_public_notes_only(world):
    """The day tells of the trouble, and of the incident what was written for everybody."""
    number = fail(world, "t-1")
    fail(world, "t-2", Severity.WARNING)
    look(world)
    do(world, number, "comment", note="the spare key is under the mat")
    do(world, number, "comment", note="we are on it", visibility="public")
    do(world, number, "resolve", NOW_MS + 5_000, note="fz-7 replaced")
    look(world, NOW_MS + 10_000)

    pay = shown(world, "pay", NOW_MS + 20_000)

    assert pay.state == "degraded"
    assert [(each.number, [note.text for note in each.notes]) for each in pay.over] == [(number, ["we are on it"])]
    assert (pay.days[-1].state, pay.days[-1].incidents) == ("degraded", (1, 2))
    assert len(pay.days) == 90


def test_silence_a_silence_and_nobody_looking_are_all_unknown(world):
    """Half an hour without a word; alarms that somebody holds back; an ingest that is gone: none of it is health."""
    look(world)
    silenced = {**SAID, "kind": "silence", "matcher": {"devices": ["paris/r-1"]}, "starts_ms": 0, "ends_ms": None}
    with world.begin() as unit:
        suppressions.create(unit, silenced, "ana", NOW_MS)
    look(world, NOW_MS + 10_000)
    under_silence = shown(world, "net", NOW_MS + 10_000)
    look(world, NOW_MS + 16 * MINUTE_MS)
    silent = shown(world, "pay", NOW_MS + 16 * MINUTE_MS)
    unwatched = shown(world, "pay", NOW_MS + 60 * MINUTE_MS)

    assert (under_silence.state, under_silence.unheard) == ("unknown", 1)
    assert (silent.state, silent.unheard) == ("unknown", 5)
    assert (unwatched.state, unwatched.since_ms) == ("unknown", NOW_MS + 16 * MINUTE_MS)
    assert unwatched.because == "nobody watches it at present"


def test_the_time_that_nobody_looked_is_unknown_ever_after(world):
    """The next look does not take the gap for health, and states after it begin with it."""
    look(world)
    look(world, NOW_MS + 5 * MINUTE_MS)

    pay = shown(world, "pay", NOW_MS + 5 * MINUTE_MS)

    assert (pay.state, pay.since_ms) == ("operational", NOW_MS + 5 * MINUTE_MS)
    assert pay.days[-1].lasted_ms == {"unknown": 5 * MINUTE_MS}


def test_maintenance_of_the_service_is_maintenance_and_an_outage_of_receiving_is_unknown(world):
    """Planned work that names the service; and while nothing is received, nothing can be said."""
    planned = {**SAID, "matcher": {"services": ["net"]}, "starts_ms": NOW_MS, "ends_ms": NOW_MS + MINUTE_MS}
    with world.begin() as unit:
        suppressions.create(unit, planned, "ana", NOW_MS)
        incidents.raise_ingest_down(unit, NOW_MS - MINUTE_MS, NOW_MS, "the broker is away", policy=Policy())
    look(world)

    assert [shown(world, name).state for name in ("net", "pay")] == ["maintenance", "unknown"]
    assert shown(world, "pay").open == []


def test_a_service_that_goes_leaves_its_past(world):
    """Taken out of the file it has no state; declared again, its days are there."""
    look(world)
    look(world, NOW_MS + 10_000)
    with world.begin() as unit:
        topology.declare(unit, DeclaredServices(), NOW_MS + 10_000)
    look(world, NOW_MS + 20_000)
    with world.begin() as unit:
        topology.declare(unit, DeclaredServices(services={"pay": {}}), NOW_MS + 20_000)

    pay = shown(world, "pay", NOW_MS + 20_000)

    assert (pay.state, pay.since_ms, pay.days[-1].lasted_ms) == ("unknown", None, {"operational": 10_000})
    with world.begin() as unit:
        standing.forget(unit, NOW_MS + 30_000)
    assert shown(world, "pay", NOW_MS + 20_000).days[-1].state is None
