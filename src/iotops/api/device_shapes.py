"""What devices look like from outside, and what may be said of them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from iotops.api.incident_shapes import PriorityWord
from iotops.api.shapes import Body, Instant, Line, Shape
from iotops.store.devices import Device
from iotops.store.healths import Standing

Lifecycle = Literal["active", "retired"]
HealthWord = Literal["alert", "unknown", "maintenance", "ok", "retired"]


def _no_identity(name: str) -> str:
    if name in ("site", "device"):
        msg = f"{name} is part of the identity and no label that can be set"
        raise ValueError(msg)
    return name


LabelName = Annotated[str, Field(max_length=64, pattern="^[A-Za-z_][A-Za-z0-9_]*$"), AfterValidator(_no_identity)]


class LabelSources(Shape):
    """Who said which label: the API beats the file, the file beats the status payload."""

    status: dict[str, str]
    file: dict[str, str]
    api: dict[str, str]


class DeviceShape(Shape):
    """One device; site and device together are its identity."""

    site: str
    device: str
    name: str | None
    labels: dict[str, str] = Field(description="what counts of `label_sources`")
    label_sources: LabelSources
    lifecycle: Lifecycle
    online: bool | None = Field(description="what its newest status said; null: it never said")
    online_at: Instant | None = Field(description="event time of that status")
    first_seen_at: Instant
    last_seen_at: Instant | None
    last_event_at: Instant | None = Field(description="newest event time of a stored reading")
    updated_at: Instant
    health: HealthWord = Field(
        description="retired; in maintenance; an alert of it fires; unknown: it is offline, nothing came for a day, or "
        "an alert says that nothing is known, such as one that the outage of its gateway explains; else ok"
    )
    open_incidents: int = Field(description="new, in progress or on hold, that name it")
    priority: PriorityWord | None = Field(description="the highest of them")


class DeviceCountsShape(Shape):
    """How many devices pass the filters."""

    total: int
    healths: dict[HealthWord, int] = Field(description="health -> number; those that none has are left out")


class DeviceChange(Body):
    """Labels are merged into those that the API set before, null takes one out; retired devices raise nothing."""

    labels: Annotated[
        dict[LabelName, Line | None], Field(max_length=64, default_factory=dict, examples=[{"room": "cold-1"}])
    ]
    lifecycle: Lifecycle = "active"


def device_shape(device: Device, shown: Standing) -> DeviceShape:
    """Return a device as clients see it."""
    return DeviceShape.model_validate(
        {
            "site": device.key.site,
            "device": device.key.device,
            "name": device.name,
            "labels": dict(device.labels),
            "label_sources": {
                "status": dict(device.layers.status),
                "file": dict(device.layers.file),
                "api": dict(device.layers.api),
            },
            "lifecycle": device.lifecycle,
            "online": device.online,
            "online_at": device.online_ms,
            "first_seen_at": device.first_seen_ms,
            "last_seen_at": device.last_seen_ms,
            "last_event_at": device.last_event_ms,
            "updated_at": device.updated_ms,
            **shown._asdict(),
        }
    )
