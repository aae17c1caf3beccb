"""From transitions to what people would have seen: episodes, and the incidents that they make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from iotops.rules.alert import Alert, AlertState, Transition
from iotops.rules.rule import Rule, Severity

WEEK_MS: Final = 604_800_000
_FIRING: Final = frozenset({AlertState.FIRING, AlertState.RECOVERING})


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert that would have fired.

    Attributes:
        severity: the highest it reached.
        began_ms: event time since which its condition was true.
        raised_ms: wall clock at which it was raised; None where the log of arrivals does not tell.
        resolved_ms: None while it fires at the end of the range.
        reason: why it ended.
    """

    id: str
    rule: str
    instance: str
    site: str
    severity: Severity
    began_ms: int
    fired_ms: int
    raised_ms: int | None
    resolved_ms: int | None = None
    summary: str = ""
    reason: str = ""


class Episodes:
    """Collects the episodes that were raised at or after an instant; with `by_event`, that fired then in event time."""

    def __init__(self, since_ms: int, *, by_event: bool = False) -> None:
        self._since_ms = since_ms
        self._by_event = by_event
        self._found: dict[str, Episode] = {}
        self._before: set[str] = set()

    def take(self, transitions: Iterable[Transition], wall_ms: int, *, exact: bool) -> None:
        """Take what a step did; `exact`: its time is known, and not just that nothing of it is later."""
        for transition in transitions:
            alert = transition.alert
            if alert.fired_ms is None or alert.id in self._before:
                continue
            known = self._found.get(alert.id)
            if known is None and alert.state in _FIRING:
                if (alert.fired_ms if self._by_event else wall_ms) < self._since_ms:
                    self._before.add(alert.id)
                    continue
                known = _begun(alert, alert.fired_ms, wall_ms if exact else None)
            if known is not None:
                self._found[alert.id] = _followed(known, transition)

    def all(self) -> list[Episode]:
        """Return what was found, by the time at which it fired."""
        return sorted(self._found.values(), key=time_order)


def time_order(episode: Episode) -> tuple[int, str, str]:
    """Return what episodes are sorted by: when they fired, then of what."""
    return episode.fired_ms, episode.rule, episode.instance


def incidents(episodes: Iterable[Episode], rules: Mapping[str, Rule]) -> list[tuple[Episode, ...]]:
    """Return the episodes that would have made one incident each: an instance that fires again within `reopen`."""
    made: list[list[Episode]] = []
    newest: dict[tuple[str, str], list[Episode]] = {}
    for episode in sorted(episodes, key=time_order):
        before = newest.get((episode.rule, episode.instance))
        rule = rules.get(episode.rule)
        reopen_ms = rule.reopen_ms if rule is not None else 0
        if before is not None and _ends_ms(before[-1], episode.fired_ms) + reopen_ms >= episode.fired_ms:
            before.append(episode)
            continue
        newest[episode.rule, episode.instance] = fresh = [episode]
        made.append(fresh)
    return [tuple(each) for each in made]


def a_week(count: int, range_ms: int) -> float:
    """Return a count as a rate a week."""
    return count * WEEK_MS / max(range_ms, 1)


def changes(
    before: Sequence[Episode], after: Sequence[Episode]
) -> tuple[list[Episode], list[Episode], list[tuple[Episode, Episode]]]:
    """Return the episodes only in the one, only in the other, and those in both that differ.

    Episodes are the same where rule and instance are and they fired at the same time; else, in order of time, where
    they overlap: then one fired, or ended, at another time, or with another severity.
    """
    gone, pairs = [], []
    left = _by_instance(after)
    for episode in before:
        candidates = left.get((episode.rule, episode.instance), [])
        same = [other for other in candidates if other.fired_ms == episode.fired_ms]
        same += [other for other in candidates if _overlap(episode, other)]
        if not same:
            gone.append(episode)
            continue
        candidates.remove(same[0])
        pairs.append((episode, same[0]))
    differing = [(one, other) for one, other in pairs if _seen(one) != _seen(other)]
    return gone, sorted((each for rest in left.values() for each in rest), key=time_order), differing


def _begun(alert: Alert, fired_ms: int, raised_ms: int | None) -> Episode:
    return Episode(
        alert.id,
        alert.key.rule,
        alert.key.instance,
        alert.site,
        alert.severity,
        alert.began_ms,
        fired_ms,
        raised_ms,
        summary=alert.summary,
    )


def _followed(known: Episode, transition: Transition) -> Episode:
    alert = transition.alert
    known = replace(known, severity=max(known.severity, alert.severity))
    if alert.state is AlertState.RESOLVED:
        return replace(known, resolved_ms=alert.resolved_ms, reason=transition.reason)
    return known


def _ends_ms(episode: Episode, otherwise_ms: int) -> int:
    return otherwise_ms if episode.resolved_ms is None else episode.resolved_ms


def _overlap(one: Episode, other: Episode) -> bool:
    return one.fired_ms <= _ends_ms(other, one.fired_ms) and other.fired_ms <= _ends_ms(one, other.fired_ms)


def _seen(episode: Episode) -> tuple[int, int | None, Severity]:
    return episode.fired_ms, episode.resolved_ms, episode.severity


def _by_instance(episodes: Iterable[Episode]) -> dict[tuple[str, str], list[Episode]]:
    found: dict[tuple[str, str], list[Episode]] = {}
    for episode in episodes:
        found.setdefault((episode.rule, episode.instance), []).append(episode)
    return found
