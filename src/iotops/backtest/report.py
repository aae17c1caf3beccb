"""A backtest's answer for programs (mappings) and for people (lines)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from iotops.backtest.episodes import Episode, a_week, changes, incidents
from iotops.backtest.question import Answer, Question
from iotops.backtest.verdicts import DEFINITION, Judged, score
from iotops.durations import format_duration, format_instant
from iotops.rules.rule import RuleSet
from iotops.wording import counted


def document(question: Question, answer: Answer, rules: RuleSet, only: frozenset[str]) -> dict[str, Any]:
    """Return what would have been raised by the first rule set, as JSON values; `only`: rules shown, empty: all."""
    episodes = _shown(answer.episodes[0], only)
    range_ms = question.until_ms - question.since_ms
    return {
        "since": format_instant(question.since_ms),
        "until": format_instant(question.until_ms),
        "order": "event" if question.by_event else "arrival",
        "exact_from": None if answer.exact_from_ms is None else format_instant(answer.exact_from_ms),
        "approximate": answer.guessed > 0,
        "devices": answer.devices,
        "readings": answer.readings,
        "duration_ms": round(answer.took_s * 1_000),
        "readings_per_second": round(answer.rates["readings_per_second"]),
        "rules": [_rule(rule, episodes, rules, range_ms) for rule in rules.rules if not only or rule in only],
        "alerts": [episode_members(each) for each in episodes],
        "faults": dict(answer.faults[0]),
    }


def episode_members(episode: Episode) -> dict[str, Any]:
    """Return one would-be alert as JSON values."""
    return {
        "rule": episode.rule,
        "instance": episode.instance,
        "site": episode.site,
        "severity": episode.severity.word,
        "fired_at": format_instant(episode.fired_ms),
        "resolved_at": _instant(episode.resolved_ms),
        "raised_at": _instant(episode.raised_ms),
        "reason": episode.reason,
        "summary": episode.summary,
    }


def difference(answer: Answer, only: frozenset[str]) -> dict[str, Any]:
    """Return how the first rule set's alerts differ from the second's, as JSON values."""
    now, then = (_shown(episodes, only) for episodes in answer.episodes[:2])
    gone, new, differing = changes(then, now)
    return {
        "only_before": [episode_members(each) for each in gone],
        "only_now": [episode_members(each) for each in new],
        "changed": [{"before": episode_members(one), "now": episode_members(other)} for one, other in differing],
    }


def candidates(
    question: Question, episodes_of: Mapping[str, Sequence[Episode]], swept: frozenset[str], judged: Iterable[Judged]
) -> dict[str, Any]:
    """Return how each candidate of a sweep does, as JSON values.

    Args:
        question: that was answered; its rule sets say when an incident is reopened.
        episodes_of: candidate, as it is written -> what its rule set found.
        swept: the rules that have the parameter.
        judged: what people said of incidents in the range.
    """
    known = [each for each in judged if each.rule in swept]
    range_ms = question.until_ms - question.since_ms
    rows = []
    for (name, episodes), rules in zip(episodes_of.items(), question.rules, strict=False):
        if rules is None:
            continue
        would_be = incidents(_shown(episodes, swept), rules.rules)
        found = score(would_be, known)
        rows.append(
            {
                "candidate": name,
                "incidents": len(would_be),
                "incidents_per_week": round(a_week(len(would_be), range_ms), 2),
                "precision": found.precision,
                "recall": found.recall,
                "delay_ms": found.delay_ms,
                "judged_real": found.judged_real,
                "judged_false_alarm": found.judged_false,
                "unjudged": found.unjudged,
            }
        )
    verdicts = {"real": sum(each.is_real for each in known), "false_alarm": sum(not each.is_real for each in known)}
    return {"rules": sorted(swept), "verdicts": verdicts, "definition": DEFINITION, "candidates": rows}


def heading(told: Mapping[str, Any]) -> list[str]:
    """Return what was judged, in lines."""
    speed = f"{told['readings_per_second']:,}".replace(",", " ")
    count = f"{told['readings']:,}".replace(",", " ")
    scope = f"{counted(len(told['rules']), 'rule')}, {counted(told['devices'], 'device')}"
    judged = (
        f"{told['since']} to {told['until']}, in order of {told['order']}: {scope}, "
        f"{count} readings in {told['duration_ms'] / 1_000:.1f} s ({speed} a second)"
    )
    lines = [judged]
    if told["approximate"] and told["order"] == "arrival":
        since = f"before {told['exact_from']}" if told["exact_from"] else "throughout"
        lines.append(
            f"approximate {since}: the log of arrivals does not tell any more how these readings were judged, "
            "nor connection, status, labels and reloads"
        )
    lines += [f"rule {rule} raised {count} errors" for rule, count in told["faults"].items()]
    return lines


def percent(value: float | None) -> str:
    """Return a share as people read it."""
    return "-" if value is None else f"{value:.0%}"


def delay(value: float | None) -> str:
    """Return a delay as people read it."""
    return "-" if value is None else format_duration(value)


def _rule(rule: str, episodes: Sequence[Episode], rules: RuleSet, range_ms: int) -> dict[str, Any]:
    mine = [episode for episode in episodes if episode.rule == rule]
    made = len(incidents(mine, rules.rules))
    return {
        "rule": rule,
        "mode": rules.rules[rule].mode.value,
        "alerts": len(mine),
        "incidents": made,
        "incidents_per_week": round(a_week(made, range_ms), 2),
        "firing": sum(episode.resolved_ms is None for episode in mine),
    }


def _shown(episodes: Iterable[Episode], only: frozenset[str]) -> list[Episode]:
    return [episode for episode in episodes if not only or episode.rule in only]


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else format_instant(at_ms)
