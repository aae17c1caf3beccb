"""The one way in for command line and API: what is wanted, put into a question, answered, and told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from iotops.backtest.question import Question
from iotops.backtest.report import candidates, difference, document
from iotops.backtest.run import Progress, backtest
from iotops.backtest.sweep import Sweep, swept
from iotops.backtest.verdicts import Judged
from iotops.errors import ConfigurationError
from iotops.rules.rule import RuleSet
from iotops.store import incidents
from iotops.store.database import Database


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to know.

    Attributes:
        rules: under test; `against`: others to compare them with.
        only: ids of rules to show; empty: all.
        sweep: a parameter to try candidates for.
    """

    rules: RuleSet
    since_ms: int
    until_ms: int
    only: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    against: RuleSet | None = None
    sweep: Sweep | None = None
    by_event: bool = False


def ask(
    database_url: str,
    asked: Asked,
    progress: Progress = lambda _done, _all: None,
    *,
    processes: int | None = None,
    within_s: float | None = None,
) -> dict[str, Any]:
    """Return the answer as JSON values: see `report.document`, and `against` and `sweep` where they are asked for.

    Args:
        database_url: where telemetry and verdicts are.
        asked: what is wanted.
        progress: told how far it is.
        processes: see `iotops.backtest.run.backtest`.
        within_s: as there.

    Raises:
        ConfigurationError: a rule, or a parameter, that does not exist; a range that is none.
        TookTooLong: it was given up.
    """
    _check(asked)
    swept_rules, tried = swept(asked.rules, asked.sweep, asked.only) if asked.sweep else (frozenset[str](), [])
    sets = tried or [asked.rules, *([asked.against] if asked.against else [])]
    question = Question(
        database_url,
        asked.since_ms,
        asked.until_ms,
        tuple(map(_untested, sets)),
        asked.by_event,
        asked.sites,
        asked.devices,
    )
    answer = backtest(question, progress, processes=processes, within_s=within_s)
    # Built-in rules run along for those that ask for them; nobody asked what they would have raised.
    answer.episodes = [
        [episode for episode in episodes if episode.rule in rules.rules]
        for rules, episodes in zip(sets, answer.episodes, strict=True)
    ]
    only = frozenset(asked.only)
    told = document(question, answer, asked.rules, only or swept_rules)
    if asked.against is not None:
        told["against"] = difference(answer, only)
    if asked.sweep is not None:
        names = [name for name, _ in asked.sweep.candidates]
        found = dict(zip(names, answer.episodes, strict=True))
        told["sweep"] = candidates(question, found, swept_rules, _judged(database_url, question))
        del told["rules"], told["alerts"]  # those of the first candidate, which is nobody's rule
    return told


def _check(asked: Asked) -> None:
    if asked.since_ms >= asked.until_ms:
        raise ConfigurationError("the range ends before it begins; choose --since before --until")
    if asked.against is not None and asked.sweep is not None:
        raise ConfigurationError("--against and --sweep exclude each other; leave one of them out")
    unknown = [rule for rule in asked.only if rule not in asked.rules.rules]
    if unknown:
        known = ", ".join(sorted(asked.rules.rules)) or "none"
        raise ConfigurationError(f"--rule {unknown[0]}: there is no such rule; there are {known}")


def _untested(rules: RuleSet) -> RuleSet:
    """Return rules without their tests, which other processes need not be sent."""
    return replace(rules, rules={name: replace(rule, tests=()) for name, rule in rules.rules.items()})


def _judged(database_url: str, question: Question) -> Sequence[Judged]:
    database = Database.open(database_url)
    try:
        with database.read() as unit:
            found = incidents.judged(unit, question.since_ms, question.until_ms, by_event=question.by_event)
    finally:
        database.close()
    return [
        Judged(
            each.number,
            each.rule,
            each.instance,
            each.began_ms,
            each.fired_ms,
            each.resolved_ms,
            is_real=each.verdict == "real",
        )
        for each in found
    ]
