"""What the timeline says of promises and their clocks; no field of the incident changes with it."""

from iotops.durations import format_instant
from iotops.incidents.effect import Effect, Step, present
from iotops.incidents.incident import Incident


def promised(_: Incident, __: Step, **said: str) -> Effect:
    """Note what is promised: `policy` and `edition`, `supplier_policy` and `supplier_edition`."""
    return Effect({}, said)


def clock_rang(_: Incident, __: Step, *, clock: str, policy: str, due_ms: int | None) -> Effect:
    """Note that a clock reached its time, or the share of it that counts as near."""
    due = None if due_ms is None else format_instant(due_ms)
    return Effect({}, present({"clock": clock, "policy": policy, "due_at": due}))
