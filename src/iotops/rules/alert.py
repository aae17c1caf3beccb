"""The machine's fact: one rule's condition on one instance, and how it changes."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, NamedTuple

from iotops.rules.rule import Mode, Severity
from iotops.telemetry.reading import DeviceKey

MODE: Final = "mode"  # member of the evidence of episodes that began under a rule in mode shadow


class AlertState(StrEnum):
    """Where an episode stands; an instance that is none of these has no alert."""

    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    RESOLVED = "resolved"


class AlertKey(NamedTuple):
    """Rule id and instance: `site/device`, or `label=value,...` of a group, or `fleet`."""

    rule: str
    instance: str


class Change(StrEnum):
    """What a transition is."""

    PENDING = "pending"  # the condition became true and its hold runs
    ENDED = "ended"  # a pending alert ended without firing
    FIRED = "fired"
    ESCALATED = "escalated"  # a higher tier was reached
    EASED = "eased"  # stepped down, only where `until` is given per tier
    RECOVERING = "recovering"  # recovery is true, keep_firing_for runs
    REFIRED = "refired"  # from recovering back to firing; the same episode
    RESOLVED = "resolved"
    UNKNOWN = "unknown"  # data stopped while firing
    KNOWN = "known"  # data came back
    PROMOTED = "promoted"  # its rule was in mode shadow and is live now
    CONTRADICTED = "contradicted"  # a late sample says that it would not have fired; nothing is turned back
    SUPPRESSED = "suppressed"  # `unless` became true
    UNSUPPRESSED = "unsuppressed"


@dataclass(frozen=True, slots=True)
class Alert:
    """One episode of one instance. Everything the state machine needs survives in here: a restart loads these rows.

    Attributes:
        id: episode id, see `episode_id`; frozen at creation.
        device: the device, None for groups.
        site: the device's site, or the group's where `per` contains it, else "".
        true_since_ms: severity -> event time since which that tier's condition is true; absent: not true.
        tiers_reached: the severities whose hold has been served.
        clear_since_ms: since when recovery holds (`keep_firing_for` runs), None while it does not.
        unless_since_ms: since when `unless` holds; None while it does not.
        last_true_ms, occurrences: event time of the last reading for which the condition was true while firing, and
            how many there were, as the row was read; the store counts them, the engine only says what a batch adds.
        checked_ms: event time up to which this alert was judged.
        evidence: frozen when fired: expression values, samples, clocks, rule version and place (JSON-able).
        summary: rendered when fired, on a change of severity, and on resolve.
    """

    id: str
    key: AlertKey
    rule_version: str
    semantic_hash: str
    site: str
    device: DeviceKey | None
    state: AlertState
    severity: Severity
    began_ms: int
    data_known: bool = True
    suppressed_by: str | None = None
    true_since_ms: Mapping[Severity, int] = field(default_factory=dict)
    tiers_reached: frozenset[Severity] = frozenset()
    clear_since_ms: int | None = None
    unless_since_ms: int | None = None
    fired_ms: int | None = None
    resolved_ms: int | None = None
    last_true_ms: int | None = None
    checked_ms: int = 0
    occurrences: int = 0
    summary: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def but(self, **changes: Any) -> "Alert":
        """Return the same with changes, as `dataclasses.replace` does in more than twice the time."""
        found = object.__new__(Alert)
        for place, value in zip(_PLACES.values(), _values(self), strict=True):
            place(found, value)
        for name, value in changes.items():
            _PLACES[name](found, value)
        return found

    @property
    def is_shadow(self) -> bool:
        """Tell whether the episode belongs to a rule in mode shadow: it is an alert in everything but incidents."""
        return self.evidence.get(MODE) == Mode.SHADOW


_PLACES: Final[Mapping[str, Callable[[Alert, Any], None]]] = {
    each.name: getattr(Alert, each.name).__set__ for each in fields(Alert)
}
_values = attrgetter(*_PLACES)


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of an alert at an event time; the rules' only output.

    `alert` is the alert after the change. `reason` is a short word where there is more than one
    (`stale`, `rule changed`, `rule removed`, `until`, `known false`, `retired`, ...).
    """

    change: Change
    at_ms: int
    alert: Alert
    reason: str = ""


def episode_id(rule: str, site: str, instance: str, true_since_ms: int) -> str:
    """Return the deterministic id of an episode: redelivery, replay or a second worker cannot raise it twice."""
    text = "\x1f".join((rule, site, instance, str(true_since_ms)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
