"""What merging two incidents, and taking that back, does to either of them."""

from iotops.incidents.effect import Effect, Step
from iotops.incidents.incident import Incident


def merged(_: Incident, __: Step, *, into: str, reason: str = "by hand") -> Effect:
    return Effect({"merged_into": into, "duplicate_of": into, "outage": False}, {"into": into, "reason": reason})


def absorbed(incident: Incident, _: Step, *, number: str, count: int, firing: bool = False) -> Effect:
    """Take another incident in, with `count` alerts; `firing`: one that is not over is this one's own from now on."""
    fields = {"alert_count": incident.alert_count + count, "cleared_ms": None if firing else incident.cleared_ms}
    return Effect(fields, {"incident": number})


def gave_back(incident: Incident, _: Step, *, number: str, count: int, cleared_ms: int | None) -> Effect:
    """Let an absorbed incident go, with its `count` alerts; `cleared_ms`: the last of one's own had ended then."""
    left = max(0, incident.alert_count - count)
    return Effect({"alert_count": left, "cleared_ms": cleared_ms}, {"incident": number})


def split(incident: Incident, _: Step) -> Effect:
    return Effect({"merged_into": None, "duplicate_of": None, "cleared_ms": None}, {"from": incident.merged_into})
