"""What the status of a service looks like from outside: nothing of it names a device, a rule or a person."""

from typing import Annotated, Literal

from pydantic import Field

from iotops.api.incident_shapes import SeverityWord, StateWord
from iotops.api.shapes import Instant, Shape
from iotops.durations import format_instant
from iotops.incidents.service_status import Day
from iotops.store.incidents import number_of
from iotops.store.standing import Account, Promised, Report

StatusWord = Literal["operational", "maintenance", "unknown", "degraded", "outage"]


class PublicNote(Shape):
    """What somebody wrote for everybody: a comment with visibility public."""

    at: Instant
    text: str


class PublicIncident(Shape):
    """An incident as far as it is public."""

    number: Annotated[str, Field(examples=["INC-000123"])]
    state: StateWord
    severity: SeverityWord
    since: Instant
    resolved_at: Instant | None
    notes: list[PublicNote] = Field(description="the newest first")


class SupplierPromise(Shape):
    """A supplier who has something to put right, by its own promise."""

    id: str
    name: str | None
    incident: str
    state: Literal["running", "paused", "late", "kept", "cancelled"]
    due_at: Instant | None = Field(description="null while paused, or where nothing is promised")


class DayShape(Shape):
    """One day of UTC."""

    date: Annotated[str, Field(examples=["2026-01-01"])]
    state: StatusWord | None = Field(description="the worst of the day; null where nobody looked")
    seconds: dict[str, int] = Field(description="state -> how long")
    incidents: list[str]


class ServiceStatus(Shape):
    """How a service stands for those who depend on it, and how it stood."""

    service: str
    name: str | None
    public: bool = Field(description="everybody may see this, without a token")
    state: StatusWord = Field(description="unknown where nothing is heard: silence is never health")
    because: str
    since: Instant | None = Field(description="when the state began; null where nobody looked yet")
    checked_at: Instant | None
    devices: int = Field(description="things that the service runs on")
    affected: int = Field(description="of these, how many open incidents are about")
    unheard: int = Field(description="of these, how many are not heard from")
    open_incidents: list[PublicIncident]
    suppliers: list[SupplierPromise] = Field(description="those whose promise is clocked on an open incident")
    days: list[DayShape] = Field(description="the last 90, the oldest first")
    past_incidents: list[PublicIncident] = Field(description="of those days, the newest 100 first")


def status_shape(found: Account) -> ServiceStatus:
    """Return the status of a service as clients see it."""
    return ServiceStatus.model_validate(
        {
            "service": found.service,
            "name": found.name,
            "public": found.public,
            "state": found.state,
            "because": found.because,
            "since": found.since_ms,
            "checked_at": found.seen_ms,
            "devices": found.devices,
            "affected": found.affected,
            "unheard": found.unheard,
            "open_incidents": [_incident(each) for each in found.open],
            "suppliers": [_supplier(each) for each in found.promised],
            "days": [_day(each, {report.number for report in (*found.open, *found.over)}) for each in found.days],
            "past_incidents": [_incident(each) for each in found.over],
        }
    )


def _incident(found: Report) -> PublicIncident:
    return PublicIncident.model_validate(
        {
            "number": found.number,
            "state": found.state.value,
            "severity": found.severity,
            "since": found.since_ms,
            "resolved_at": found.resolved_ms,
            "notes": [PublicNote(at=note.at_ms, text=note.text) for note in found.notes],
        }
    )


def _supplier(found: Promised) -> SupplierPromise:
    clock = found.clock.clock
    late = clock.breached_ms is not None
    state = "late" if late else "kept" if clock.state == "stopped" else clock.state
    return SupplierPromise.model_validate(
        {
            "id": found.supplier,
            "name": found.name,
            "incident": found.incident,
            "state": state,
            "due_at": clock.due_ms,
        }
    )


def _day(found: Day, told: set[str]) -> DayShape:
    """Return a day with those of its incidents that the page tells of."""
    numbers = (number_of(each) for each in found.incidents)
    return DayShape.model_validate(
        {
            "date": format_instant(found.start_ms)[:10],
            "state": found.state,
            "seconds": {state: lasted_ms // 1000 for state, lasted_ms in found.lasted_ms.items()},
            "incidents": [each for each in numbers if each in told],
        }
    )
