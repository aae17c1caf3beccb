"""The times of the incident life cycle, as the settings say them."""

from iotops.incidents.deadlines import Policy
from iotops.settings import IncidentSettings


def policy_of(times: IncidentSettings) -> Policy:
    """Return the times that settings ask for."""
    return Policy(
        reopen_ms=times.reopen_ms,
        clear_for_ms=times.clear_for_ms,
        flaps=times.flaps,
        flap_within_ms=times.flap_within_ms,
        flap_quiet_ms=times.flap_quiet_ms,
        grace_ms=times.grace_ms,
        close_after_ms=times.close_after_ms,
        share=times.impact_share,
    )
