"""What was promised of an incident: how soon somebody responds, how soon it is over, and which time counts."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from iotops.rules.calendar import Calendar

KINDS = ("respond", "resolve", "supplier")
"""The clocks of an incident. The supplier's runs under the supplier's own policy, against its time to resolve."""
ANY_REASON = "any"
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Promise:
    """A policy with its calendar, as they were when the promise was given; all that a clock is computed from.

    Attributes:
        policy: id of the policy.
        respond_minutes, resolve_minutes: priority -> minutes; a priority that is missing is promised nothing.
        pause_on: reasons of a hold during which the clock stands still, in small letters; `any` for each of them.
        near: share of the time after which a breach is near, more than 0 and less than 1.
    """

    policy: str
    respond_minutes: Mapping[str, int] = field(default_factory=dict)
    resolve_minutes: Mapping[str, int] = field(default_factory=dict)
    pause_on: tuple[str, ...] = ()
    near: float = 0.8
    calendar: Calendar = field(default_factory=Calendar)

    def target_ms(self, kind: str, priority: str) -> int | None:
        """Return the time that a clock has, None where nothing is promised."""
        minutes = (self.respond_minutes if kind == "respond" else self.resolve_minutes).get(priority)
        return None if minutes is None else minutes * _MINUTE_MS

    def pauses_for(self, reason: str) -> bool:
        """Tell whether the clock stands still while work waits for this."""
        return ANY_REASON in self.pause_on or said_alike(reason) in self.pause_on

    @property
    def content(self) -> dict[str, Any]:
        """Return everything as JSON holds it; `promise_from` reads it again."""
        return json.loads(_canonical(asdict(self)))  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """Return what names exactly this promise, in hex."""
        return hashlib.sha256(_canonical(asdict(self)).encode()).hexdigest()


def promise_from(content: Mapping[str, Any]) -> Promise:
    """Return the promise that `Promise.content` described."""
    found = dict(content)
    calendar = dict(found.pop("calendar"))
    week = tuple(tuple((span[0], span[1]) for span in day) for day in calendar.pop("week"))
    closed = tuple(calendar.pop("closed"))
    pause_on = tuple(found.pop("pause_on"))
    return Promise(**found, pause_on=pause_on, calendar=Calendar(**calendar, week=week, closed=closed))


def said_alike(reason: str) -> str:
    """Return a reason in the form in which reasons are compared: small letters, single spaces."""
    return " ".join(reason.lower().split())


def reasons(texts: Iterable[str]) -> tuple[str, ...]:
    """Return reasons of holds as `Promise.pause_on` has them."""
    return tuple(sorted({said_alike(text) for text in texts}))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
