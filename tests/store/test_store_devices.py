"""Devices: registered by their first message, labelled in three layers, listed by people."""

import pytest

from iotops.errors import NotFound
from iotops.store import devices, fleet
from iotops.store.devices import DeviceFilter
from iotops.store.fleet import Declared
from iotops.store.registry import Registry
from iotops.telemetry.reading import DeviceKey, Kind, Reading

FREEZER = DeviceKey("s1", "freezer-1")
PUMP = DeviceKey("s2", "pump")


def reading(key=FREEZER, at_ms=1_000, **fields):
    return Reading(key, at_ms, fields.pop("received_ms", at_ms), fields.pop("values", {"t": 1.0}), **fields)


def status(key, online, at_ms, **labels):
    return reading(key, at_ms, values={"online": online}, kind=Kind.STATUS, labels=labels)


def test_unknown_devices_of_a_batch_get_ids_that_stay(database):
    """A device's id is the same in the batch that registers it, in the next, and after a restart."""
    registry = Registry()

    with database.begin() as unit:
        first = registry.register(unit, [reading(FREEZER), reading(PUMP), reading(FREEZER)], connected_ms=7)
    with database.begin() as unit:
        second = registry.register(unit, [reading(PUMP)], connected_ms=8)
    with database.read() as unit:
        reloaded = Registry.load(unit)
        found = devices.get(unit, FREEZER)

    assert set(first.new) == {FREEZER, PUMP}
    assert second.new == ()
    assert second.ids[PUMP] == first.ids[PUMP]
    assert found.id == first.ids[FREEZER]
    assert found.first_connected_ms == 7
    assert len(reloaded) == 2


def test_rolled_back_registration_leaves_no_trace_in_memory(database):
    """The registry never knows a device that the database does not."""
    registry = Registry()

    def fail():
        with database.begin() as unit:
            registry.register(unit, [reading(FREEZER)], connected_ms=0)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert FREEZER not in registry
    with database.read() as unit, pytest.raises(NotFound, match="s1/freezer-1"):
        devices.get(unit, FREEZER)


def test_newest_status_says_whether_a_device_is_online(database):
    """An older status that arrives late does not change the state."""
    registry = Registry()

    with database.begin() as unit:
        registry.register(unit, [status(FREEZER, online=True, at_ms=5_000)], connected_ms=0)
    with database.begin() as unit:
        registry.register(unit, [status(FREEZER, online=False, at_ms=4_000)], connected_ms=0)

    with database.read() as unit:
        found = devices.get(unit, FREEZER)
    assert (found.online, found.online_ms) == (True, 5_000)


def test_api_labels_beat_the_file_and_the_file_beats_status(database):
    """Of three layers the strongest counts, and a status payload may set only what it is trusted with."""
    registry = Registry()
    with database.begin() as unit:
        said = registry.register(unit, [status(FREEZER, True, 1, type="a", model="m", zone="z", name="s")], 0)

    with database.begin() as unit:
        changed = fleet.declare(unit, {FREEZER: Declared({"type": "b", "model": "n"})}, now_ms=10, connected_ms=0)
        patched = devices.patch(unit, FREEZER, now_ms=20, labels={"type": "c", "service": "till"})

    assert said.new == (FREEZER,)
    assert changed == [FREEZER]
    assert patched.labels == {"type": "c", "model": "n", "name": "s", "service": "till"}
    assert patched.name == "s"


def test_trusted_status_sets_every_label(database):
    """Where devices.yaml trusts a device's status, all its labels count."""
    with database.begin() as unit:
        fleet.declare(unit, {FREEZER: Declared({}, trust_status=True)}, now_ms=1, connected_ms=0)
        registry = Registry.load(unit)
        said = registry.register(unit, [status(FREEZER, True, 1, zone="north")], 0)

    with database.read() as unit:
        assert devices.get(unit, FREEZER).labels == {"zone": "north"}
    assert said.new == ()
    assert said.relabelled == (FREEZER,)


def test_label_patched_to_none_is_gone_from_the_api_layer(database):
    """What the API set, the API can take back; the layer below shows again."""
    with database.begin() as unit:
        fleet.declare(unit, {FREEZER: Declared({"type": "file"})}, now_ms=1, connected_ms=0)
        devices.patch(unit, FREEZER, now_ms=2, labels={"type": "api"}, lifecycle="retired")

    with database.begin() as unit:
        found = devices.patch(unit, FREEZER, now_ms=3, labels={"type": None})

    assert found.labels == {"type": "file"}
    assert found.lifecycle == "retired"


def test_edits_are_seen_by_who_asks_for_changes(database):
    """The ingest notices what people change, and only that."""
    with database.begin() as unit:
        fleet.declare(unit, {FREEZER: Declared(), PUMP: Declared()}, now_ms=1, connected_ms=0)

    with database.begin() as unit:
        devices.patch(unit, PUMP, now_ms=1_000_000, labels={"a": "b"})

    with database.read() as unit:
        assert [each.key for each in fleet.changed_since(unit, 900_000)] == [PUMP]


def test_device_no_longer_declared_loses_its_file_layer(database):
    """The file's layer is what the file says now."""
    with database.begin() as unit:
        fleet.declare(unit, {FREEZER: Declared({"type": "x"})}, now_ms=1, connected_ms=0)

    with database.begin() as unit:
        changed = fleet.declare(unit, {}, now_ms=2, connected_ms=0)

    assert changed == [FREEZER]
    with database.read() as unit:
        assert devices.get(unit, FREEZER).labels == {}


def test_pages_follow_each_other_without_gap_or_repetition(database):
    """A list in pages is the whole list, by site and device."""
    keys = [DeviceKey(site, f"d{number}") for site in ("a", "b") for number in range(5)]
    with database.begin() as unit:
        fleet.declare(unit, {key: Declared() for key in keys}, now_ms=1, connected_ms=0)

    seen = []
    with database.read() as unit:
        while some := devices.page(unit, DeviceFilter(), limit=3, after=seen[-1] if seen else None):
            seen += [each.key for each in some]

    assert seen == sorted(keys)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (DeviceFilter(site=["s1"]), [FREEZER]),
        (DeviceFilter(device=["pump"]), [PUMP]),
        (DeviceFilter(q="FREEZ"), [FREEZER]),
        (DeviceFilter(q="100%"), []),
        (DeviceFilter(lifecycle=["retired"]), [PUMP]),
        (DeviceFilter(online=True), [FREEZER]),
    ],
)
def test_filter_chooses_devices(database, chosen, expected):
    """Each filter accepts what it names and nothing else."""
    with database.begin() as unit:
        Registry().register(unit, [status(FREEZER, True, 1), reading(PUMP)], 0)
        devices.patch(unit, PUMP, now_ms=2, lifecycle="retired")

    with database.read() as unit:
        assert [each.key for each in devices.page(unit, chosen, limit=10)] == expected
