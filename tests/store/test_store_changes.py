"""Changes as stored: reported ones, firmware that devices tell of, and suspects read from the database."""

import pytest

from iotops.errors import NotFound, StaleVersion
from iotops.incidents.change import Change, Target
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.store import changes, fleet, incidents
from iotops.store.changes import ChangeFilter
from iotops.store.fleet import Declared
from iotops.telemetry.reading import DeviceKey, Kind, Reading

NOW_MS = 1_767_225_600_000
MINUTE_MS = 60_000
ANA = Actor("person", "ana")


def status(device, at_ms, **labels):
    identity = f"{device}{at_ms}".encode()[-16:].rjust(16, b"0")
    return Reading(
        DeviceKey("paris", device), at_ms, at_ms, {"online": True}, identity, kind=Kind.STATUS, labels=labels
    )


def kept(database):
    with database.read() as unit:
        return changes.page(unit, ChangeFilter(), limit=100)


def a_change(title, started_ms=NOW_MS, **target):
    return Change("", "config", title, Target(**target), started_ms, state="in_progress", source="ana")


def test_a_device_that_tells_of_new_firmware_makes_a_change(database, ingest):
    """From and to, when it was; the first version heard of is none, nor the same once more."""
    ingest.store(status("a", NOW_MS, firmware="1.0"))
    ingest.store(status("a", NOW_MS + 1, firmware="1.0"))
    assert kept(database) == []

    ingest.store(status("a", NOW_MS + 2, firmware="1.1"))

    (found,) = kept(database)
    assert (found.number, found.kind, found.source, found.state) == ("CHG-000001", "firmware", "status", "done")
    assert found.title == "firmware 1.0 -> 1.1 on paris/a"
    assert (found.target.site, found.target.device, found.started_ms) == ("paris", "a", NOW_MS + 2)


def test_many_devices_within_an_hour_are_one_roll_out(database, ingest):
    """In one batch or over many, each within an hour of another; the same version of another model is another one."""
    ingest.store(*(status(name, NOW_MS, firmware="1", model="x") for name in "abcd"), status("e", NOW_MS, firmware="1"))
    ingest.store(*(status(name, NOW_MS + 5, firmware="2", model="x") for name in "ab"))
    ingest.store(status("c", NOW_MS + 50 * MINUTE_MS, firmware="2", model="x"), status("e", NOW_MS + 9, firmware="2"))
    ingest.store(status("d", NOW_MS + 200 * MINUTE_MS, firmware="2", model="x"))

    late, other, rollout = kept(database)

    assert (rollout.title, rollout.device_count) == ("firmware 2 on 3 devices of model x", 3)
    assert (rollout.started_ms, rollout.ended_ms) == (NOW_MS + 5, NOW_MS + 50 * MINUTE_MS)
    assert (rollout.target.site, rollout.target.device) == ("paris", None)
    assert rollout.target.labels == {"firmware": "2", "model": "x"}
    assert (other.device_count, late.target.device) == (1, "d")


def test_firmware_that_the_file_overrules_is_no_change(database, ingest):
    """What rules and people see as the firmware did not change."""
    ingest.store(status("a", NOW_MS, firmware="1"))
    with database.begin() as unit:
        said = {DeviceKey("paris", "a"): Declared({"firmware": "9"})}
        fleet.declare(unit, said, now_ms=NOW_MS, connected_ms=0)

    ingest.store(status("a", NOW_MS + 1, firmware="2"))

    assert kept(database) == []


def test_a_reported_change_is_kept_changed_and_found(database):
    """By number in any spelling, by filters, page by page; a stale version changes nothing."""
    with database.begin() as unit:
        first = changes.create(unit, a_change("one", site="paris", labels={"type": "pump"}), NOW_MS)
        second = changes.create(unit, a_change("two", supplier="acme"), NOW_MS)
        done = changes.patch(unit, "chg-1", {"state": "done", "ended_ms": NOW_MS + 1}, NOW_MS + 1, expected=1)
        with pytest.raises(StaleVersion, match="read it again"):
            changes.patch(unit, "1", {"state": "done"}, NOW_MS, expected=1)
        with pytest.raises(NotFound):
            changes.get(unit, "CHG-99")
        pages = [
            [each.number for each in changes.page(unit, chosen, limit=1, after=after)]
            for chosen, after in (
                (ChangeFilter(), None),
                (ChangeFilter(), (NOW_MS, 2)),
                (ChangeFilter(supplier=("acme",)), None),
                (ChangeFilter(state=("done",), q="ONE", since_ms=NOW_MS, until_ms=NOW_MS + 1), None),
                (ChangeFilter(site_or_none="lyon"), None),
            )
        ]

    assert (first.number, second.number, first.target.labels) == ("CHG-000001", "CHG-000002", {"type": "pump"})
    assert (done.state, done.ended_ms, done.version) == ("done", NOW_MS + 1, 2)
    assert pages == [["CHG-000002"], ["CHG-000001"], ["CHG-000002"], ["CHG-000001"], ["CHG-000002"]]


def test_suspects_are_ranked_by_what_stands_where(database, ingest):
    """A roll-out that the device's gateway got comes before later changes elsewhere; the marked cause stays."""
    device, gateway = DeviceKey("paris", "a"), DeviceKey("paris", "gw")
    ingest.store(status("gw", NOW_MS - 60 * MINUTE_MS, firmware="1"), status("a", NOW_MS, firmware="1"))
    with database.begin() as unit:
        fleet.declare(unit, {device: Declared({"gateway": "gw"})}, now_ms=NOW_MS, connected_ms=0)
    ingest.store(status("gw", NOW_MS - 30 * MINUTE_MS, firmware="2"))
    with database.begin() as unit:
        changes.create(unit, a_change("shelves", NOW_MS - MINUTE_MS, site="paris", device="z"), NOW_MS)
        changes.create(unit, a_change("elsewhere", NOW_MS - MINUTE_MS, site="lyon"), NOW_MS)
        raised = incidents.create(unit, ANA, NOW_MS, title="x", policy=Policy(), site="paris", device="a")

        found = changes.suspects(unit, raised)
        cause = found[0].change
        marked = incidents.act(
            *(unit, raised.number, "mark_cause", ANA, NOW_MS), policy=Policy(), change=cause.number, title=cause.title
        )
        resolved = incidents.act(unit, raised.number, "resolve", ANA, NOW_MS, policy=Policy())

    assert [each.change.title for each in found] == ["firmware 1 -> 2 on paris/gw", "shelves"]
    assert found[0].reasons == (f"it was made on {gateway}, which {device} stands behind", "30m before it began")
    assert marked.cause == resolved.cause == "CHG-000001: firmware 1 -> 2 on paris/gw"
