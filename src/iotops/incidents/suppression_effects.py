"""What the timeline says of suppressions that an incident comes under."""

from iotops.durations import format_instant
from iotops.incidents.effect import Effect, Step, present
from iotops.incidents.incident import Incident


def suppression_began(
    _: Incident, __: Step, *, suppression: str, kind: str, reason: str, effect: str, event_ms: int | None = None
) -> Effect:
    """Note that a suppression applies; from now on its notices are held."""
    said = {"suppression": suppression, "kind": kind or None, "reason": reason or None, "effect": effect}
    event_at = None if event_ms is None else format_instant(event_ms)
    return Effect({"muted_by": suppression}, present({**said, "event_at": event_at}))


def suppression_ended(_: Incident, __: Step, *, suppression: str, effect: str) -> Effect:
    """Note that a suppression is over."""
    return Effect({"muted_by": None}, {"suppression": suppression, "effect": effect})
