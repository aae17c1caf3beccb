"""How the clocks of an incident's promises stand, in words and as the length of a bar. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from iotops.console.times import long_duration

_KINDS = {"respond": "respond", "resolve": "resolve", "supplier": "supplier"}


class SlaView(NamedTuple):
    """One clock as a page shows it.

    Attributes:
        kind: respond, resolve or supplier.
        tone: ok, near, late, kept, paused or none; the page gives each a colour and the words say it too.
        text: such as `respond in 2m41s`, `resolve 3h late`, `respond kept`.
        percent: of the time that is used up, 0 to 100.
        due_at: RFC 3339, None where no instant is due.
    """

    kind: str
    tone: str
    text: str
    percent: int
    due_at: str | None


def sla_view(sla: Mapping[str, Mapping[str, Any]] | None, *, pressing: bool = False) -> list[SlaView]:
    """Return the clocks of an incident, respond before resolve before supplier; those promised nothing are left out.

    Args:
        sla: kind -> clock, as the API answers; None: nothing is promised.
        pressing: only the one that people should look at: the first that still runs or waits, else none.
    """
    views = [_view(kind, sla[kind]) for kind in _KINDS if sla and sla.get(kind)]
    views = [each for each in views if each.tone != "none"]
    return [each for each in views if each.tone in ("ok", "near", "late", "paused")][:1] if pressing else views


def _view(kind: str, clock: Mapping[str, Any]) -> SlaView:
    target, left, used = clock["target_minutes"], clock["left_s"], clock["used_s"]
    if target is None or clock["state"] == "cancelled":
        return SlaView(kind, "none", "", 0, None)
    percent = min(100, max(0, round(100 * used / (target * 60)))) if target else 100
    late = clock["breached_at"] is not None or (left is not None and left < 0)
    if clock["state"] == "stopped":
        return SlaView(kind, "late" if late else "kept", f"{kind} {'missed' if late else 'kept'}", percent, None)
    if clock["state"] == "paused":
        return SlaView(kind, "paused", f"{kind} paused, {long_duration(left or 0)} left", percent, None)
    if late:
        return SlaView(kind, "late", f"{kind} {long_duration(left or 0)} late", 100, clock["due_at"])
    tone = "near" if clock["near_at"] is not None else "ok"
    return SlaView(kind, tone, f"{kind} in {long_duration(left or 0)}", percent, clock["due_at"])
