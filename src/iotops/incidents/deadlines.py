"""What the system does to an incident when nothing happens for a while."""

from dataclasses import dataclass

from iotops.incidents.incident import SYSTEM, Incident, State
from iotops.incidents.timeline import Entry
from iotops.incidents.transitions import transition


@dataclass(frozen=True, slots=True)
class Policy:
    """Times of the incident life cycle, in milliseconds; the defaults are those of the settings.

    Attributes:
        reopen_ms: a refire within this time after the last clear reopens, for rules that are gone by then.
        clear_for_ms: between all alerts clear and resolved by the system.
        flaps: turns from resolved to firing within `flap_within_ms` of event time that make an incident flapping.
        flap_quiet_ms: as `clear_for_ms`, for an incident that is flapping.
        grace_ms: between a person's resolution while an alert fires and the next look.
        share: of a service's devices; from it on the impact is one step higher.
        close_after_ms: between resolved and closed by the system.
    """

    reopen_ms: int = 1_800_000
    clear_for_ms: int = 0
    flaps: int = 4
    flap_within_ms: int = 3_600_000
    flap_quiet_ms: int = 1_800_000
    grace_ms: int = 900_000
    close_after_ms: int = 7 * 86_400_000
    share: float = 0.5


def due_ms(incident: Incident, policy: Policy) -> int | None:
    """Return when the system has to look at an incident again if nothing else happens, None for never."""
    if incident.state is State.RESOLVED and incident.resolved_ms is not None:
        return incident.resolved_ms + policy.close_after_ms if incident.grace_ms is None else incident.grace_ms
    times = (incident.hold_until_ms, quiet_enough_ms(incident, policy))
    return min((at_ms for at_ms in times if at_ms is not None), default=None)


def quiet_enough_ms(incident: Incident, policy: Policy) -> int | None:
    """Return when an open incident whose alerts are all clear resolves by itself, None while one is not."""
    if not incident.is_open or incident.cleared_ms is None:
        return None
    return incident.cleared_ms + max(policy.clear_for_ms, policy.flap_quiet_ms if incident.flapping else 0)


def overdue(incident: Incident, *, firing: bool, now_ms: int, policy: Policy) -> tuple[Incident, tuple[Entry, ...]]:
    """Do what is due on an incident.

    Args:
        incident: as it is.
        firing: an attached alert is not resolved.
        now_ms: the wall clock.
        policy: the times that apply.

    Returns:
        The incident afterwards and its new entries: none where nothing is due.
    """
    if incident.state is State.RESOLVED:
        return _overdue_resolved(incident, firing, now_ms, policy)
    quiet_ms = quiet_enough_ms(incident, policy)
    if quiet_ms is not None and quiet_ms <= now_ms and not firing:
        return _resolve_quiet(incident, now_ms)
    if incident.hold_until_ms is not None and incident.hold_until_ms <= now_ms:
        return transition(incident, "resume", SYSTEM, now_ms, reason="hold over")
    return incident, ()


def _resolve_quiet(incident: Incident, now_ms: int) -> tuple[Incident, tuple[Entry, ...]]:
    """Resolve an incident whose alerts have been clear for long enough."""
    return transition(incident, "resolve", SYSTEM, now_ms, code="cleared", cleared_ms=incident.cleared_ms)


def _overdue_resolved(
    incident: Incident, firing: bool, now_ms: int, policy: Policy
) -> tuple[Incident, tuple[Entry, ...]]:
    if incident.grace_ms is not None:
        if incident.grace_ms > now_ms:
            return incident, ()
        if firing and incident.grace_spent:
            return transition(incident, "escalate", SYSTEM, now_ms)
        if firing:
            return transition(incident, "reopen", SYSTEM, now_ms, reason="still firing")
        return transition(incident, "clear", SYSTEM, now_ms, event_ms=incident.cleared_ms or now_ms)
    if incident.resolved_ms is not None and incident.resolved_ms + policy.close_after_ms <= now_ms and not firing:
        return transition(incident, "close", SYSTEM, now_ms, reason="quiet")
    return incident, ()
