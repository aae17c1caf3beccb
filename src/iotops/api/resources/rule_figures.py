"""/rules/stats: how the loaded rules fare."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Viewer
from iotops.api.context import ContextOf
from iotops.api.problems import Problem
from iotops.api.shapes import Instant, InstantIn, Shape
from iotops.store.rule_stats import RuleStats, rule_stats

router = APIRouter(prefix="/rules", tags=["rules"])

DEFAULT_MS = 30 * 86_400_000


class RuleStatsShape(Shape):
    """How one rule fared."""

    rule: str
    mode: str
    state: str
    incidents: int = Field(description="raised in the range")
    judged: int = Field(description="of them, with a verdict")
    false_alarms: int
    false_alarm_share: float | None
    median_open_ms: float | None = Field(description="from raised to resolved")
    flaps: int = Field(description="times that they were reopened")
    auto_resolved_within_5m: int
    never_fired: bool = Field(description="neither in the range nor before")
    suppressed: int = Field(description="times that `unless` held an alert back")
    rejected_samples: int = Field(description="missing values of the metrics that its conditions read")
    late_samples: int
    cost_us: float | None = Field(description="mean time of one judgement, of those that were timed")


class RulesStatsShape(Shape):
    """How all loaded rules fared."""

    since: Instant
    until: Instant
    items: list[RuleStatsShape]


@router.get("/stats", operation_id="rule_stats", summary="Show how rules fare")
def get_stats(
    caller: Viewer,
    context: ContextOf,
    since: Annotated[InstantIn | None, Query(description="default: 30 days ago")] = None,
    until: Annotated[InstantIn | None, Query(description="default: now")] = None,
) -> RulesStatsShape:
    """Return what `iotops rules stats` prints; counts are over all sites, so that a token of one site may not ask."""
    if caller.site is not None:
        raise Problem("forbidden", f"these figures are over all sites; the token sees {caller.site} only")
    until_ms = context.now_ms() if until is None else until
    since_ms = until_ms - DEFAULT_MS if since is None else since
    with context.read() as unit:
        found = rule_stats(unit, since_ms, until_ms)
    return RulesStatsShape(since=since_ms, until=until_ms, items=[_shape(each) for each in found])


def _shape(found: RuleStats) -> RuleStatsShape:
    return RuleStatsShape(
        rule=found.rule,
        mode=found.mode,
        state=found.state,
        incidents=found.incidents,
        judged=found.judged,
        false_alarms=found.false_alarms,
        false_alarm_share=found.false_alarm_share,
        median_open_ms=found.open_ms,
        flaps=found.flaps,
        auto_resolved_within_5m=found.short,
        never_fired=found.never_fired,
        suppressed=found.suppressed,
        rejected_samples=found.rejected,
        late_samples=found.late,
        cost_us=found.cost_us,
    )
