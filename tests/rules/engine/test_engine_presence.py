"""When a status happens: at its own time, however long it was on its way, unless that time cannot be right."""

import pytest

from iotops.rules.authoring.replay import replay
from iotops.telemetry.reading import Kind

RULES = "  - {alert: offline, when: not online, for: 30s}\n"


@pytest.mark.parametrize("received", ["60001ms", "61s", "89s", "4m"])
def test_delay_on_the_way_does_not_move_a_status(program, memory_of, device, reading, told, received):
    """What a device says of itself at a time counts from that time, as with telemetry."""
    status = reading("1m", {"online": False}, kind=Kind.STATUS, received=received)

    found = replay(program(RULES), [reading("50s", temp=31), status], memory_of(device()), until_connected_ms=300_000)

    assert [told(each) for each in found] == ["1m pending warning", "1m30s fired warning"]


@pytest.mark.parametrize(
    "heard", [["0s", "30s", "50s"], ["0s"]], ids=["older than what was heard since", "older than five minutes"]
)
def test_last_will_with_the_time_of_its_connection_counts_from_its_arrival(
    program, memory_of, device, reading, told, heard
):
    """The time in a will is that at which the device connected: the device was there after it."""
    readings = [reading(at, temp=31) for at in heard]
    will = reading("10s", {"online": False}, kind=Kind.STATUS, received="6m")

    found = replay(program(RULES), [*readings, will], memory_of(device()), until_connected_ms=600_000)

    assert [told(each) for each in found] == ["6m pending warning", "6m30s fired warning"]


def test_status_without_a_time_happens_when_it_is_received(program, memory_of, device, reading, told):
    """A bare `offline` bears the time of its receipt."""
    readings = [reading("50s", temp=31), reading("1m", {"online": False}, kind=Kind.STATUS)]

    found = replay(program(RULES), readings, memory_of(device()), until_connected_ms=300_000)

    assert [told(each) for each in found] == ["1m pending warning", "1m30s fired warning"]
