"""What the clocks of an incident's promises look like from outside, and incidents together with them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import Field

from iotops.api.context import Context
from iotops.api.incident_shapes import IncidentShape, incident_shape
from iotops.api.shapes import Instant, Shape
from iotops.incidents.incident import Incident
from iotops.store import problems, sla
from iotops.store.database import Unit
from iotops.store.sla import ShownClock


class ClockShape(Shape):
    """One clock; durations are time of its calendar, pauses left out."""

    policy: str
    state: Literal["running", "paused", "stopped", "cancelled"]
    target_minutes: int | None = Field(description="what is promised; null where the priority now is promised nothing")
    started_at: Instant
    due_at: Instant | None = Field(description="when the time is used up if nothing else happens; null while paused")
    paused_at: Instant | None
    near_at: Instant | None = Field(description="when the share of the time was used up that counts as near")
    breached_at: Instant | None
    stopped_at: Instant | None
    used_s: int
    left_s: int | None = Field(description="below 0 when over")


def clocked(unit: Unit, context: Context, incidents: Sequence[Incident]) -> list[IncidentShape]:
    """Return incidents as clients see them, with their clocks as they stand now and the problems behind them."""
    near = context.settings.incidents.near_breach
    clocks = sla.clocks_of(unit, incidents, context.now_ms(), near=near)
    behind = problems.problems_of(unit, {each.problem for each in incidents})
    return [
        incident_shape(replace(each, sla=_by_kind(clocks.get(each.number, ()))), behind.get(each.problem or ""))
        for each in incidents
    ]


def _by_kind(shown: Sequence[ShownClock]) -> dict[str, ClockShape] | None:
    return {each.clock.kind: _shape(each) for each in shown} or None


def _shape(shown: ShownClock) -> ClockShape:
    clock = shown.clock
    left_ms = clock.left_ms
    return ClockShape.model_validate(
        {
            "policy": shown.policy,
            "state": clock.state,
            "target_minutes": None if clock.target_ms is None else clock.target_ms // 60_000,
            "started_at": clock.started_ms,
            "due_at": clock.due_ms,
            "paused_at": clock.paused[-1][0] if clock.state == "paused" else None,
            "near_at": clock.near_ms,
            "breached_at": clock.breached_ms,
            "stopped_at": clock.stopped_ms,
            "used_s": clock.used_ms // 1000,
            "left_s": None if left_ms is None else left_ms // 1000,
        }
    )
