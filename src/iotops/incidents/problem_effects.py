"""What the timeline says of faults that come and go, that keep coming back, and of the problem behind an incident."""

from iotops.durations import format_instant
from iotops.incidents.effect import Effect, Step, present
from iotops.incidents.incident import Incident


def flapped(incident: Incident, _: Step, *, event_ms: int, within_ms: int, enough: int) -> Effect:
    """Count one turn from resolved to firing; `enough` of them within that much event time are flapping."""
    flaps = (*(at for at in incident.flaps if at > event_ms - within_ms), event_ms)
    flapping = incident.flapping or len(flaps) >= enough
    newly = flapping and not incident.flapping
    return Effect({"flaps": flaps, "flapping": flapping}, {"flapping": True, "flaps": len(flaps)} if newly else None)


def recurred(_: Incident, __: Step, *, count: int, first_ms: int, propose: bool) -> Effect:
    """Count how often it came lately, this time included; said where that is enough to propose a problem."""
    said = {"count": count, "first_at": format_instant(first_ms)}
    return Effect({"recurrence_count": count}, said if propose else None)


def linked(incident: Incident, _: Step, *, problem: str, state: str) -> Effect | None:
    """Say which problem is behind it; the note beside it is the problem's workaround."""
    if incident.problem == problem:
        return None
    data = {"problem": problem, "state": state, "problem_before": incident.problem}
    return Effect({"problem": problem}, present(data))


def unlinked(incident: Incident, _: Step) -> Effect | None:
    """Say that no problem is known to be behind it."""
    return None if incident.problem is None else Effect({"problem": None}, {"problem": incident.problem})


def problem_moved(incident: Incident, _: Step, *, did: str, state: str) -> Effect:
    """Note what happened to the problem behind it; no field of the incident changes with that."""
    return Effect({}, present({"problem": incident.problem, "did": did, "state": state}))
