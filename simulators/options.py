"""What a run is asked to do, and what it reports."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iotops.durations import format_instant
from simulators.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Options:
    """One run of a fleet.

    Attributes:
        fleet: name of a shipped fleet, or a file.
        endpoint: the broker.
        devices: exactly this many devices; None: as the fleet file says.
        rate: messages a second of the whole fleet, reached by scaling every interval; None: as the fleet file says.
        faults: more faults, `KIND[:DEVICE[:AT[:FOR]]]`.
        for_ms: how long to run live; 0: history only; None: until stopped.
        start_ms: event time at which history begins, Unix ms; None: as the fleet file says.
        live_ms: the instant that counts as now when the run begins, Unix ms; None: the wall clock. With the same seed,
            `start_ms` and `live_ms` two runs publish the same history, byte by byte.
        connections: the most MQTT connections; gateways beyond share them, without a will of their own.
        memory: messages a connection keeps in memory; more wait on disk.
        drain_ms: how long to wait at the end for the last acknowledgements.
    """

    fleet: str
    endpoint: Endpoint
    devices: int | None = None
    rate: float | None = None
    faults: tuple[str, ...] = ()
    seed: int = 1
    for_ms: int | None = None
    start_ms: int | None = None
    live_ms: int | None = None
    ledger: Path | None = None
    truth: Path | None = None
    connections: int = 256
    memory: int = 500
    drain_ms: int = 15_000


@dataclass(slots=True)
class Summary:
    """What a run did. `published` is what it accounts for; wills are published by the broker and counted apart."""

    fleet: str
    devices: int
    connections: int
    seed: int
    start_ms: int
    live_ms: int
    end_ms: int = 0
    published: int = 0
    acked: int = 0
    refused: int = 0
    sent: int = 0
    wills: int = 0
    reconnects: int = 0
    wall_s: float = 0.0
    caught_up_s: float | None = None
    error: str = ""
    faults: list[dict[str, Any]] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        """Return the summary as one JSON-able object; times in RFC 3339, durations in seconds."""
        return {
            "fleet": self.fleet,
            "devices": self.devices,
            "connections": self.connections,
            "seed": self.seed,
            "start": format_instant(self.start_ms),
            "live": format_instant(self.live_ms),
            "end": format_instant(self.end_ms),
            "published": self.published,
            "acked": self.acked,
            "unacked": self.published - self.acked,
            "refused": self.refused,
            "sent": self.sent,
            "wills": self.wills,
            "reconnects": self.reconnects,
            "wall_s": round(self.wall_s, 3),
            "caught_up_s": None if self.caught_up_s is None else round(self.caught_up_s, 3),
            "messages_per_s": round(self.acked / self.wall_s, 1) if self.wall_s else 0.0,
            "error": self.error,
            "faults": self.faults,
        }
