"""Running a fleet: history as fast as the broker takes it, then live."""

import heapq
import secrets
import time
from collections.abc import Callable, Sequence
from threading import Event

from iotops.telemetry.reading import DeviceKey
from simulators.connection import Connection
from simulators.device import Device, Utterance
from simulators.faults import Fault
from simulators.fleet import Fleet
from simulators.fleetfile import find_fleet, load_fleet
from simulators.ledger import Ledger
from simulators.network import Network
from simulators.options import Options, Summary
from simulators.outbox import Outbox
from simulators.plan import Span, parse_fault, plan
from simulators.population import Member, populate
from simulators.truth import Truth, described

BACKLOG = 2_000  # messages waiting for the broker at which history pauses; live messages never wait, they queue
AT_ONCE = 200  # device actions between two looks at the network
PLANNED_MS = 7 * 86_400_000  # random faults of a run without an end are drawn for a week
IDLE_S = 0.05


def run(options: Options, stop: Event | None = None) -> Summary:
    """Run a fleet until its time is over or `stop` is set; return what was done.

    Raises:
        FleetError: the fleet or a fault cannot be used.
        ConfigurationError: the ledger or the truth file cannot be written.
        BrokerError: the broker refuses our credentials.
    """
    return _FleetRun(options, load_fleet(find_fleet(options.fleet)), stop or Event()).execute()


def devices_of(members: Sequence[Member], faults: Sequence[Fault], options: Options, start_ms: int) -> list[Device]:
    """Return the devices of a run, each with the faults that touch it and its interval."""
    touching: dict[DeviceKey, list[Fault]] = {}
    for fault in faults:
        for key in (fault.key, *fault.affects):
            touching.setdefault(key, []).append(fault)
    usual = sum(1000.0 / member.group.every for member in members)
    slower = usual / options.rate if options.rate else 1.0
    return [
        Device(
            member,
            touching.get(member.key, ()),
            seed=options.seed,
            start_ms=start_ms,
            every_ms=max(1, round(member.group.every * slower)),
        )
        for member in members
    ]


class _FleetRun:
    def __init__(self, options: Options, fleet: Fleet, stop: Event) -> None:
        self._options = options
        self._stop = stop
        self._shift_ms = 0 if options.live_ms is None else options.live_ms - _wall_ms()
        live_ms = self._now_ms()
        start_ms = live_ms + fleet.start if options.start_ms is None else options.start_ms
        until_ms = live_ms + (PLANNED_MS if options.for_ms is None else options.for_ms)
        self._until_ms = None if options.for_ms is None else until_ms
        members = populate(fleet, options.devices)
        more = [parse_fault(text, fleet) for text in options.faults]
        fleet = fleet.model_copy(update={"faults": [*fleet.faults, *more]})
        self._faults = list(reversed(plan(fleet, members, options.seed, Span(start_ms, live_ms, until_ms))))
        self._devices = devices_of(members, self._faults, options, start_ms)
        self._agenda = [(device.next_ms, number) for number, device in enumerate(self._devices)]
        heapq.heapify(self._agenda)
        self._ledger = Ledger(options.ledger)
        self._truth = Truth(options.truth)
        self._network = Network(lambda: self._ledger.write(_wall_ms()))
        self._lines = _Lines(members, self._connect, options.connections)
        self._backlog = 0
        self.summary = Summary(
            fleet.fleet, len(members), len(self._network.connections), options.seed, start_ms, live_ms
        )

    def execute(self) -> Summary:
        """Run, drain, account."""
        began_s = time.monotonic()
        try:
            while not self._stop.is_set() and not self._over():
                self._act(began_s)
                self._turn(self._pause_s())
            self._drain()
        finally:
            self._finish(time.monotonic() - began_s)
        return self.summary

    def _connect(self, device: int | None, name: str) -> Connection:
        connection = Connection(
            self._options.endpoint,
            f"simulator-{name}-{secrets.token_hex(3)}",
            will=None
            if device is None
            else f"iot/{self._devices[device].key.site}/{self._devices[device].key.device}/status",
            outbox=Outbox(memory=self._options.memory),
            answered=self._answered,
            reconnected=lambda: self._say_online(device),
            watch=self._network.watch,
        )
        self._network.add(connection)
        return connection

    def _over(self) -> bool:
        if self._until_ms is None or self._now_ms() < self._until_ms:
            return False
        return bool(self._options.for_ms) or self._agenda[0][0] > self._until_ms

    def _act(self, began_s: float) -> None:
        """Let devices act whose time has come; history waits while the broker is behind."""
        now_ms, live_ms = self._now_ms(), self.summary.live_ms
        for _ in range(AT_ONCE):
            at_ms, number = self._agenda[0]
            if at_ms > now_ms or (at_ms < live_ms and self._backlog >= BACKLOG):
                break
            while self._faults and self._faults[-1].from_ms <= at_ms:
                self._truth.begin(self._faults.pop())
            if at_ms >= live_ms and self.summary.caught_up_s is None:
                self.summary.caught_up_s = time.monotonic() - began_s
            device = self._devices[number]
            for message in device.speak():
                self._say(number, message, at_ms)
            heapq.heapreplace(self._agenda, (device.next_ms, number))

    def _say(self, number: int, message: Utterance, at_ms: int) -> None:
        connection, own = self._lines.of(number)
        if message.turn == "down" and own and at_ms >= self.summary.live_ms:
            # Live, the broker says it: we hang up and the last will is published. In history no broker was there to
            # do that, so the status that the will would have left is published with its time.
            connection.cut()
            self._network.wake(connection)
            return
        if message.turn == "up" and own:
            connection.restore()
        self._put(connection, message)

    def _say_online(self, device: int | None) -> None:
        if device is not None:
            self._put(self._lines.of(device)[0], self._devices[device].status(self._now_ms()))

    def _put(self, connection: Connection, message: Utterance) -> None:
        connection.outbox.put(message)
        self._backlog += 1
        self._network.wake(connection)

    def _answered(self, message: Utterance, sent_ms: int, acked_ms: int | None) -> None:
        self._backlog -= 1
        if acked_ms is None:
            self._ledger.unacknowledged(message, sent_ms)
        else:
            self._ledger.acknowledged(message, sent_ms, acked_ms)

    def _turn(self, timeout_s: float) -> None:
        self.summary.sent += self._network.turn(_wall_ms(), timeout_s)

    def _pause_s(self) -> float:
        due_ms = self._agenda[0][0] - self._now_ms()
        if due_ms > 0 or self._backlog >= BACKLOG:
            return min(IDLE_S, max(0.001, due_ms / 1000.0)) if due_ms > 0 else IDLE_S
        return 0.0

    def _drain(self) -> None:
        deadline_s = time.monotonic() + self._options.drain_ms / 1000.0
        while self._backlog and time.monotonic() < deadline_s:
            self._turn(IDLE_S)

    def _finish(self, wall_s: float) -> None:
        summary, connections = self.summary, self._network.connections
        summary.wall_s, summary.end_ms = wall_s, self._now_ms()
        self._network.close()
        self._ledger.close(left for connection in connections for left in connection.outbox.rest())
        self._truth.close()
        for connection in connections:
            connection.outbox.close()
        summary.published, summary.acked = self._ledger.published, self._ledger.acked
        summary.wills = sum(connection.wills for connection in connections)
        summary.refused = sum(connection.refused for connection in connections)
        summary.reconnects = sum(max(0, connection.calls - 1) for connection in connections)
        summary.error = next((c.last_error for c in connections if c.last_error), "")
        summary.faults = [
            {
                **described(fault),
                "due": all(fault.from_ms + within <= summary.end_ms for within in fault.expect.values()),
            }
            for fault in self._truth.begun
        ]

    def _now_ms(self) -> int:
        return _wall_ms() + self._shift_ms


class _Lines:
    """Which device speaks through which connection, and whether the connection is its own.

    Gateways and devices marked `connection: own` get one each while there are any; where there are more of them than
    connections, a quarter of the connections is shared by turns, without a will: a cut must not silence strangers.
    """

    def __init__(self, members: Sequence[Member], connect: Callable[[int | None, str], Connection], most: int) -> None:
        speakers = [number for number, member in enumerate(members) if member.gateway is None]
        shared = max(1, most // 4) if len(speakers) > most else 0
        self._own = {number: connect(number, "-".join(members[number].key)) for number in speakers[: most - shared]}
        common = [connect(None, f"shared-{turn:03}") for turn in range(shared)]
        number_of = {members[number].key: number for number in speakers}
        self._of = []
        for number, member in enumerate(members):
            speaker = number if member.gateway is None else number_of.get(member.gateway, number)
            self._of.append(self._own.get(speaker) or common[speaker % shared])

    def of(self, number: int) -> tuple[Connection, bool]:
        """Return the device's connection, and whether it is its own."""
        return self._of[number], number in self._own


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000
