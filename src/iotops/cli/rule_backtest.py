"""`iotops rules backtest`: what rules would have raised over the telemetry that is stored."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from iotops.backtest.ask import Asked
from iotops.backtest.report import delay, heading, percent
from iotops.backtest.revision import rules_at
from iotops.backtest.sweep import Sweep, parse_sweep
from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_json, print_rows
from iotops.cli.rule_paths import PATH, chosen_path
from iotops.clock import now_ms
from iotops.durations import parse_duration, parse_instant
from iotops.errors import ConfigurationError
from iotops.logs import escape
from iotops.rules.rulefile import load_rules
from iotops.wiring.hindsight import backtest as judge_past
from iotops.wording import counted

_ALERT_COLUMNS = ("fired_at", "resolved_at", "severity", "rule", "instance", "summary")


class InstantOrAgo(click.ParamType[int]):
    """A time, or a duration before now, in Unix milliseconds."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Unix milliseconds; usage error where the text is neither."""
        if isinstance(value, int):
            return value
        try:
            return now_ms() - parse_duration(str(value))
        except ValueError:
            pass
        try:
            return parse_instant(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a duration such as 30d nor a time such as 2026-01-01T00:00Z", param, ctx)


class Candidates(click.ParamType[Sweep]):
    """`NAME=FROM..TO/STEP`."""

    name = "sweep"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Sweep:
        """Return what is tried; usage error where it is written otherwise."""
        try:
            return parse_sweep(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@PATH
@click.option(
    "--since", type=InstantOrAgo(), default="30d", show_default=True, help="From when on: a time, or how long ago."
)
@click.option("--until", type=InstantOrAgo(), help="Up to when; default: now.")
@click.option("--rule", "only", multiple=True, metavar="ID", help="Show only this rule; repeatable.")
@click.option("--site", "sites", multiple=True, help="Only devices of this site; * and ? stand for anything.")
@click.option("--device", "devices", multiple=True, help="Only this device; * and ? stand for anything.")
@click.option("--against", metavar="GITREV|PATH", help="Compare with the rules of a git revision, or of another path.")
@click.option("--sweep", type=Candidates(), metavar="NAME=FROM..TO/STEP", help="Try values of a parameter.")
@click.option(
    "--order",
    type=click.Choice(["arrival", "event"]),
    default="arrival",
    show_default=True,
    help="As readings arrived, or as if each had arrived at its event time.",
)
@FORMAT
@click.pass_context
def backtest(ctx: click.Context, /, path: Path | None, form: str, against: str | None, **options: Any) -> None:
    """Tell what rules would have raised over stored telemetry.

    Exit status 1 where nothing is stored in the range, or --against finds a difference.
    """
    place = chosen_path(ctx, path)
    rules = load_rules(place)
    settings = load_settings(ctx)
    until_ms = options["until"] if options["until"] is not None else now_ms()
    try:
        asked = Asked(
            rules,
            options["since"],
            until_ms,
            options["only"],
            options["sites"],
            options["devices"],
            rules_at(against, place) if against else None,
            options["sweep"],
            by_event=options["order"] == "event",
        )
        with _bar() as progress:
            told = judge_past(settings, asked, progress)
    except ConfigurationError as error:
        raise click.UsageError(str(error), ctx) from error
    if form == "json":
        print_json(told)
    else:
        _print(told)
    differs = any(told.get("against", {}).values())
    sys.exit(1 if differs or not told["readings"] else 0)


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """Show how far it is, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn("judging"), BarColumn(), MofNCompleteColumn(), TextColumn("readings"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("judging", total=None)
        yield lambda done, expected: bar.update(task, completed=done, total=expected)


def _print(told: Mapping[str, Any]) -> None:
    if not told["readings"]:
        click.echo("error: nothing is stored in this range; choose an earlier --since, or other devices", err=True)
        return
    for line in heading(told if "rules" in told else {**told, "rules": told["sweep"]["rules"]}):
        click.echo(line)
    click.echo()
    if "sweep" in told:
        _print_sweep(told["sweep"])
        return
    _table(told["rules"], ("rule", "mode", "alerts", "incidents", "incidents_per_week", "firing"))
    if "against" in told:
        _print_difference(told["against"])
        return
    click.echo()
    if told["alerts"]:
        _table(told["alerts"], _ALERT_COLUMNS)
    else:
        click.echo("nothing would have been raised")


def _print_sweep(found: Mapping[str, Any]) -> None:
    verdicts = found["verdicts"]
    if not any(verdicts.values()):
        click.echo("no verdicts yet: nobody judged an incident of these rules in this range, so how good a value is")
        click.echo("cannot be told; resolve incidents with a verdict, real or false_alarm")
    else:
        click.echo(f"{verdicts['real']} real, {verdicts['false_alarm']} false alarms judged by people")
    click.echo(found["definition"] + "\n")
    rows = [
        {
            **row,
            "precision": percent(row["precision"]),
            "recall": percent(row["recall"]),
            "detection_delay": delay(row["delay_ms"]),
        }
        for row in found["candidates"]
    ]
    columns = ("candidate", "incidents", "incidents_per_week", "precision", "recall", "detection_delay", "unjudged")
    _table(rows, columns)


def _print_difference(found: Mapping[str, Any]) -> None:
    signs = {"only_before": "-", "only_now": "+"}
    lines = [
        f"{sign} {each['fired_at']} to {each['resolved_at'] or 'now'} {each['severity']} {each['rule']} "
        f"{each['instance']}"
        for name, sign in signs.items()
        for each in found[name]
    ]
    for pair in found["changed"]:
        before, now = pair["before"], pair["now"]
        named = ("severity", "fired_at", "resolved_at")
        turned = [f"{name} {before[name]} -> {now[name]}" for name in named if before[name] != now[name]]
        lines.append(f"~ {now['fired_at']} {now['rule']} {now['instance']}: {', '.join(turned)}")
    click.echo()
    for line in lines:
        click.echo(escape(line))
    counts = [counted(len(found[name]), "alert") + f" {text}" for name, text in _COUNTED]
    click.echo(", ".join(counts) if lines else "no difference")


_COUNTED = (("only_before", "gone"), ("only_now", "new"), ("changed", "changed"))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    if rows:
        print_rows(rows, columns, "text", empty="")
