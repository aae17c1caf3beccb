"""/rules/backtest: what rules would have raised over stored telemetry, judged in a process of its own."""

from contextlib import suppress
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from iotops.api.access import Author
from iotops.api.context import Context, ContextOf
from iotops.api.problems import Problem
from iotops.api.rule_text import RULE_TEXT_BODY, RuleText
from iotops.api.runs import one_backtest
from iotops.api.shapes import JsonObject, Shape
from iotops.backtest.ask import Asked, ask
from iotops.backtest.run import TookTooLong
from iotops.backtest.sweep import parse_sweep
from iotops.durations import format_duration, parse_duration, parse_instant
from iotops.errors import ConfigurationError
from iotops.rules.rule import RuleSet
from iotops.rules.rulefile import parse_rules, rules_of
from iotops.store import facts
from iotops.store.editions import edition

router = APIRouter(prefix="/rules", tags=["rules"])

LONGEST_MS: Final = 31 * 86_400_000
WITHIN_S: Final = 60.0
_FILE = "rules.yaml"

Globs = Annotated[list[Annotated[str, Field(max_length=64)]], Query(max_length=50)]


class BacktestShape(Shape):
    """What `iotops rules backtest --format json` would say."""

    since: str
    until: str
    order: str
    exact_from: str | None = Field(description="receive time from which on the log tells how readings were judged")
    approximate: bool
    devices: int
    readings: int
    duration_ms: int
    readings_per_second: int
    rules: list[JsonObject] = Field(default=[], description="alerts, incidents and incidents a week of each rule")
    alerts: list[JsonObject] = Field(default=[], description="what would have been raised, by the time it fired")
    faults: dict[str, int] = Field(description="rule -> how often it raised an error")
    against: JsonObject | None = Field(default=None, description="only_before, only_now, changed")
    sweep: JsonObject | None = Field(default=None, description="how each candidate does, by people's verdicts")


@router.post(
    "/backtest",
    operation_id="backtest_rules",
    summary="Backtest rules",
    openapi_extra=RULE_TEXT_BODY,
    response_model_exclude_unset=True,
)
def backtest_rules(
    caller: Author,
    context: ContextOf,
    text: RuleText,
    *,
    since: Annotated[str, Query(max_length=40, description="RFC 3339, or a duration before now")] = "7d",
    until: Annotated[str | None, Query(max_length=40, description="as since; default: now")] = None,
    rule: Globs = [],  # noqa: B006  FastAPI copies defaults
    site: Globs = [],  # noqa: B006  as above
    device: Globs = [],  # noqa: B006  as above
    order: Literal["arrival", "event"] = "arrival",
    against: Annotated[Literal["loaded"] | None, Query(description="compare with the rules in force")] = None,
    sweep: Annotated[str | None, Query(max_length=200, description="NAME=FROM..TO/STEP")] = None,
) -> BacktestShape:
    """Return what the rules of a text would have raised; at most 31 days, and for at most a minute, one at a time."""
    now_ms = context.now_ms()
    rules, findings = parse_rules({_FILE: text})
    errors = [str(finding) for finding in findings if finding.level == "error"]
    if errors:
        raise Problem("validation_failed", "the rules have errors: " + "; ".join(errors))
    sites = caller.sites(site)
    since_ms, until_ms = _instant("since", since, now_ms), _instant("until", until, now_ms) if until else now_ms
    if until_ms - since_ms > LONGEST_MS:
        raise Problem("validation_failed", f"since, until: at most {format_duration(LONGEST_MS)} apart")
    if not one_backtest.acquire(blocking=False):
        raise Problem("too_many_requests", "another backtest is running; ask again when it is done")
    try:
        asked = Asked(
            rules,
            since_ms,
            until_ms,
            tuple(rule),
            ("",) if sites is None else sites,  # no site has no name
            tuple(device),
            _loaded(context) if against else None,
            parse_sweep(sweep) if sweep else None,
            by_event=order == "event",
        )
        return BacktestShape(**ask(context.database.secret_url, asked, processes=1, within_s=WITHIN_S))
    except (ConfigurationError, ValueError) as error:
        raise Problem("validation_failed", str(error)) from error
    except TookTooLong as error:
        raise Problem("took_too_long", str(error)) from error
    finally:
        one_backtest.release()


def _instant(name: str, text: str, now_ms: int) -> int:
    with suppress(ValueError):
        return now_ms - parse_duration(text)
    try:
        return parse_instant(text)
    except ValueError as error:
        msg = f"{name}: {text!r} is neither a duration such as 7d nor an RFC 3339 time"
        raise Problem("validation_failed", msg) from error


def _loaded(context: Context) -> RuleSet:
    """Return the rules that were loaded last."""
    with context.read() as unit:
        loaded = facts.editions(unit)
        if not loaded:
            raise Problem("validation_failed", "against: the log of arrivals names no rules that were loaded")
        return rules_of(edition(unit, loaded[-1][1]))
