"""How readings that were judged before a restart enter memory again: nothing is judged twice."""

from iotops.rules.compile import Program
from iotops.rules.delay import Arrival, Feed
from iotops.rules.device import DeviceMemory
from iotops.rules.intake import Tallies, instant_of, move_clock, take
from iotops.rules.journal import Journal
from iotops.telemetry.reading import Reading


def absorb(program: Program, device: DeviceMemory, reading: Reading, journal: Journal) -> None:
    """Take one reading into a device, which has its plan, and into the views that its rules have of it."""
    at_ms = instant_of(device, reading)
    before_ms, paused_ms = device.event_ms if device.started else None, device.paused_ms
    if at_ms > device.event_ms:
        device.pause(reading, at_ms)
        let_in(program, device, at_ms - 1, journal)
    feed = _feeding(program, journal)
    feed(device, reading, at_ms)
    for delay in device.delayed.values():
        delay.receive(Arrival(reading, at_ms, before_ms, device.paused_ms - paused_ms), feed, feed)


def let_in(program: Program, device: DeviceMemory, until_ms: int, journal: Journal) -> None:
    """Let in what waited for late samples up to an instant of the device's clock."""
    feed = _feeding(program, journal)
    for lateness_ms, delay in device.delayed.items():
        delay.pass_time(until_ms - lateness_ms, feed, None)


def _feeding(program: Program, journal: Journal) -> Feed:
    tallies = Tallies()

    def feed(device: DeviceMemory, reading: Reading, at_ms: int) -> None:
        move_clock(device, reading, at_ms)
        take(program, device, reading, at_ms, journal=journal, tallies=tallies)
        if device.plan is not None and device.plan.uses_every:
            device.learn_every()

    return feed
