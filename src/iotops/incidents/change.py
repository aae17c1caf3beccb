"""What somebody or something changed on purpose, and what the change was aimed at."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from iotops.incidents.effect import Effect, Step
from iotops.incidents.incident import Incident
from iotops.telemetry.reading import DeviceKey

CHANGE_KINDS = ("firmware", "config", "deploy", "supplier")
CHANGE_STATES = ("planned", "in_progress", "done", "cancelled")


@dataclass(frozen=True, slots=True)
class Target:
    """What a change is aimed at: everything that has all of the members that are not None or empty."""

    site: str | None = None
    device: str | None = None
    service: str | None = None
    supplier: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One change, all times in Unix milliseconds.

    Attributes:
        number: `CHG-000123`.
        source: `status` where devices told of it themselves, else who or what reported it.
        ended_ms: None: not over as far as anybody said.
        device_count: devices of a roll-out that iotops saw by itself.
        rollout: such a roll-out: it is about the devices that changed, and about no other that its target fits.
        devices: device of the roll-out -> when it changed; only those that somebody asked for.
    """

    number: str
    kind: str
    title: str
    target: Target
    started_ms: int
    ended_ms: int | None = None
    state: str = "done"
    source: str = ""
    version: int = 1
    updated_ms: int = 0
    device_count: int = 0
    rollout: bool = False
    devices: Mapping[DeviceKey, int] = field(default_factory=dict)


def cause_marked(_: Incident, __: Step, *, change: str, title: str) -> Effect:
    """Hold a change for the cause of an incident: its number and title are the cause from then on."""
    return Effect({"cause": f"{change}: {title}"}, {"change": change, "title": title})
