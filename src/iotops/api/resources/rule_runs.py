"""/rules/{id}/backtests: what a rule would have raised lately, worked out while nobody waits for the answer."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from iotops.api.access import Author
from iotops.api.context import ContextOf
from iotops.api.problems import documented
from iotops.api.resources.rules import RuleId
from iotops.api.rule_files import rule_named, rule_set_of
from iotops.api.runs import Progress, Run
from iotops.api.shapes import Instant, JsonObject, Shape
from iotops.backtest.ask import Asked, ask
from iotops.errors import NotFound

router = APIRouter(prefix="/rules", tags=["rules"])

WITHIN_S = 300.0
_DAY_MS = 86_400_000


class RunShape(Shape):
    """A backtest that was begun, and how far it is."""

    id: str
    rule: str
    state: Literal["running", "done", "failed"]
    begun_at: Instant
    done: int = Field(description="readings judged so far")
    of: int = Field(description="of about so many; 0: not counted yet")
    error: str | None = Field(description="why it failed")
    answer: JsonObject | None = Field(description="as POST /rules/backtest answers, once it is done")


@router.post(
    "/{rule_id}/backtests",
    status_code=202,
    operation_id="begin_backtest",
    summary="Begin to backtest a rule",
    responses=documented("conflict"),
)
def begin_backtest(
    caller: Author,
    context: ContextOf,
    rule_id: RuleId,
    days: Annotated[int, Query(ge=1, le=31, description="how far back")] = 7,
) -> RunShape:
    """Begin to judge stored telemetry by one rule of the rule files; `GET /rules/backtests/{id}` tells how far it is.

    One at a time, for five minutes at the longest; the last 20 are remembered until the process ends.
    """
    rule_set = rule_set_of(context)
    rule_named(rule_set, rule_id)
    now_ms = context.now_ms()
    sites = () if caller.site is None else (caller.site,)
    asked = Asked(rule_set, now_ms - days * _DAY_MS, now_ms, (rule_id,), sites)

    def work(progress: Progress) -> dict[str, Any]:
        return ask(context.database.secret_url, asked, progress, processes=1, within_s=WITHIN_S)

    return _shape(context.runs.begin(Run(rule_id, caller.token_id, now_ms), work))


@router.get("/backtests/{run_id}", operation_id="get_backtest", summary="How far a backtest is")
def get_backtest(
    caller: Author, context: ContextOf, run_id: Annotated[str, Path(pattern="^[0-9a-f]{1,32}$")]
) -> RunShape:
    """Return a run of one's own with its answer, once it is done."""
    run = context.runs.get(run_id)
    if run is None or run.owner != caller.token_id:
        msg = f"backtest {run_id} is not known (any more); begin it again"
        raise NotFound(msg)
    return _shape(run)


def _shape(run: Run) -> RunShape:
    return RunShape(
        id=run.id,
        rule=run.rule,
        state=run.state,
        begun_at=run.begun_ms,
        done=run.done,
        of=run.of,
        error=run.error,
        answer=run.answer,
    )
