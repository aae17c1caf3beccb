"""`iotops rules stats`: how rules fare."""

from typing import Any

import click

from iotops.backtest.report import delay, percent
from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_json, print_rows
from iotops.cli.rule_backtest import InstantOrAgo
from iotops.clock import now_ms
from iotops.durations import format_instant
from iotops.store.rule_stats import RuleStats, rule_stats
from iotops.wiring.opening import open_database


@click.command()
@click.option("--since", type=InstantOrAgo(), default="30d", show_default=True, help="A time, or how long ago.")
@FORMAT
@click.pass_context
def stats(ctx: click.Context, since: int, form: str) -> None:
    """Tell how the loaded rules fare: incidents, false alarms, what they cost.

    Exit status 1 where no rule is loaded.
    """
    until_ms = now_ms()
    with open_database(load_settings(ctx)) as database, database.read() as unit:
        found = rule_stats(unit, since, until_ms)
    if form == "json":
        rows = [members(each) for each in found]
        print_json({"since": format_instant(since), "until": format_instant(until_ms), "items": rows})
        ctx.exit(0 if found else 1)
    rows = [_cells(each) for each in found]
    print_rows(rows, list(rows[0]) if rows else [], form, empty="no rule is loaded; the ingest loads them")


def members(found: RuleStats) -> dict[str, Any]:
    """Return one rule's figures as JSON values."""
    return {
        "rule": found.rule,
        "mode": found.mode,
        "state": found.state,
        "incidents": found.incidents,
        "judged": found.judged,
        "false_alarms": found.false_alarms,
        "false_alarm_share": found.false_alarm_share,
        "median_open_ms": found.open_ms,
        "flaps": found.flaps,
        "auto_resolved_within_5m": found.short,
        "never_fired": found.never_fired,
        "suppressed": found.suppressed,
        "rejected_samples": found.rejected,
        "late_samples": found.late,
        "cost_us": found.cost_us,
    }


def _cells(found: RuleStats) -> dict[str, Any]:
    return {
        "rule": found.rule,
        "incidents": found.incidents,
        "false_alarms": percent(found.false_alarm_share),
        "median_open": delay(found.open_ms),
        "flaps": found.flaps,
        "auto_<5m": found.short,
        "fired": "never" if found.never_fired else "yes",
        "suppressed": found.suppressed,
        "rejected": found.rejected,
        "late": found.late,
        "cost_µs": "-" if found.cost_us is None else f"{found.cost_us:.1f}",
    }
