"""How rules fare: what their incidents came to, and what their evaluation counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Final, NamedTuple

from sqlalchemy import select

from iotops.rules.built_in import with_built_in
from iotops.rules.language.usage import metrics_in
from iotops.rules.rule import Rule
from iotops.rules.rulefile import parse_rules
from iotops.store import figures, rules
from iotops.store.database import Unit
from iotops.store.editions import edition
from iotops.store.facts import editions
from iotops.store.tables import incident

SHORT_MS: Final = 300_000
"""An incident that the system itself resolved within this time had probably nobody to do anything."""


@dataclass(frozen=True, slots=True)
class RuleStats:
    """One rule over a range.

    Attributes:
        incidents: raised in the range.
        judged, false_alarms: of them, those with a verdict, and with that one.
        open_ms: median from raised to resolved, None where none is.
        flaps: times that they were reopened.
        short: resolved by the system within five minutes.
        never_fired: not since the rule was first loaded, in the range or before.
        suppressed: times that `unless` held an alert back.
        rejected, late: samples of the metrics that its conditions read; late: later than its lateness.
        cost_us: mean time of one judgement, of those that were timed; None where none was.
    """

    rule: str
    mode: str
    state: str
    incidents: int
    judged: int
    false_alarms: int
    open_ms: float | None
    flaps: int
    short: int
    never_fired: bool
    suppressed: int
    rejected: int
    late: int
    cost_us: float | None

    @property
    def false_alarm_share(self) -> float | None:
        """Return the share of false alarms among the incidents that people judged."""
        return self.false_alarms / self.judged if self.judged else None


def rule_stats(unit: Unit, since_ms: int, until_ms: int) -> list[RuleStats]:
    """Return how the loaded rules fared with incidents raised from one instant up to another, by id.

    Counts of evaluations are those of the days (UTC) that the range touches.
    """
    of_rules = figures.totals(unit, "rule", since_ms, until_ms)
    reads = _reads(unit)
    kinds = {figures.of_metrics(each.lateness_ms) for each in (_NOTHING, *reads.values())}
    of_metrics = {kind: figures.totals(unit, kind, since_ms, until_ms) for kind in kinds}
    raised = _incidents(unit, since_ms, until_ms)
    found = []
    for each in rules.every(unit):
        counts = of_rules.get(each.id, {})
        read = reads.get(each.id, _NOTHING)
        samples = [of_metrics[figures.of_metrics(read.lateness_ms)].get(metric, {}) for metric in read.metrics]
        timed = counts.get("timed", 0)
        mine = raised.get(each.id, [])
        durations = [one.resolved_ms - one.raised_ms for one in mine if one.resolved_ms is not None]
        found.append(
            RuleStats(
                each.id,
                each.mode,
                each.state,
                incidents=len(mine),
                judged=sum(one.verdict is not None for one in mine),
                false_alarms=sum(one.verdict == "false_alarm" for one in mine),
                open_ms=median(durations) if durations else None,
                flaps=sum(one.reopen_count for one in mine),
                short=sum(one.is_short for one in mine),
                never_fired=each.last_fired_ms is None,
                suppressed=counts.get("suppressed", 0),
                rejected=sum(sample.get("rejected", 0) for sample in samples),
                late=sum(sample.get("late", 0) for sample in samples),
                cost_us=counts["spent_ns"] / timed / 1_000 if timed else None,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class _Raised:
    raised_ms: int
    resolved_ms: int | None
    verdict: str | None
    reopen_count: int
    auto: bool

    @property
    def is_short(self) -> bool:
        return self.auto and self.resolved_ms is not None and self.resolved_ms - self.raised_ms < SHORT_MS


def _incidents(unit: Unit, since_ms: int, until_ms: int) -> Mapping[str, list[_Raised]]:
    names = ("raised_ms", "resolved_ms", "verdict", "reopen_count", "auto")
    statement = select(incident.c.rule, *(incident.c[name] for name in names)).where(
        incident.c.rule.is_not(None), incident.c.raised_ms >= since_ms, incident.c.raised_ms < until_ms
    )
    found: dict[str, list[_Raised]] = {}
    for rule, *fields in unit.connection.execute(statement):
        found.setdefault(rule, []).append(_Raised(*fields))
    return found


class _Reads(NamedTuple):
    """The metrics that a rule's conditions read, and how long it waits for samples that come late."""

    metrics: frozenset[str]
    lateness_ms: int


_NOTHING: Final = _Reads(frozenset(), 0)


def _reads(unit: Unit) -> Mapping[str, _Reads]:
    """Return rule -> what it reads, of the edition that was loaded last."""
    loaded = editions(unit)
    rule_set, _ = parse_rules(edition(unit, loaded[-1][1])) if loaded else (None, ())
    return (
        {}
        if rule_set is None
        else {rule.id: _Reads(_read_by(rule), rule.lateness_ms) for rule in with_built_in(rule_set).rules.values()}
    )


def _read_by(rule: Rule) -> frozenset[str]:
    expressions = [*rule.when.values(), *rule.until.values(), *([rule.unless] if rule.unless else [])]
    return frozenset().union(*(metrics_in(each.root, rule.params) for each in expressions))
