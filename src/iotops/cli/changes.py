"""`iotops changes`: what is changed on purpose, told by people and deployment scripts, through the API."""

from typing import Any

import click

from iotops.cli.connection import AGO, AHEAD, with_api
from iotops.cli.output import FORMAT, print_json, print_record, print_rows
from iotops.client.api import Api, given, query
from iotops.clock import now_ms
from iotops.durations import format_instant

_KINDS = click.Choice(("firmware", "config", "deploy", "supplier"))
_STATES = click.Choice(("planned", "in_progress", "done", "cancelled"))
_COLUMNS = ("number", "kind", "state", "started_at", "ended_at", "target", "title")


@click.group()
def changes() -> None:
    """Report and list changes; an incident names those that may have caused it.

    Asks a running iotops with the token in IOTOPS_TOKEN; reporting needs the role operator. Changes of firmware that
    devices tell in their status payloads are there without being reported.
    """


@changes.command()
@click.argument("title")
@click.option("--kind", type=_KINDS, default="deploy", show_default=True, help="What was changed.")
@click.option("--site", help="Where; alone, the whole site.")
@click.option("--device", help="One device of --site.")
@click.option("--service", help="The service that was changed.")
@click.option("--supplier", help="Who changed something at their side.")
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=VALUE", help="All devices labelled so; may be repeated."
)
@click.option("--started", type=AGO, metavar="TIME", help="20m (ago), or RFC 3339; default: now.")
@click.option("--ended", type=AGO, metavar="TIME", help="The same; default: it is still under way, see `end`.")
@click.option("--source", help="What reports it, for instance the pipeline; default: the token's name.")
@FORMAT
@with_api
def add(api: Api, *, title: str, kind: str, labels: tuple[str, ...], form: str, **said: Any) -> None:
    """Report a change, and print its number.

    At least one of --site, --service, --supplier and --label says what was changed.
    """
    where = ("site", "device", "service", "supplier")
    target = given(**{name: said[name] for name in where}, labels=dict(map(_label, labels)) or None)
    if not target:
        raise click.UsageError("expected what was changed: --site, --device, --service, --supplier or --label")
    times = given(started_at=said["started"], ended_at=said["ended"], source=said["source"])
    made = api.ask("POST", "/changes", body={"kind": kind, "title": title, "target": target, **times}).json()
    if form == "json":
        print_json(made)
    else:
        click.echo(made["number"])


@changes.command("list")
@click.option("--kind", type=_KINDS, multiple=True, help="Only these; may be repeated, as the others.")
@click.option("--state", type=_STATES, multiple=True, help="Only these.")
@click.option("--site", multiple=True, help="Only at these sites.")
@click.option("--device", multiple=True, help="Only on these devices.")
@click.option("--service", multiple=True, help="Only on these services.")
@click.option("--supplier", multiple=True, help="Only by these suppliers.")
@click.option("--q", help="Part of the title.")
@click.option("--since", type=AGO, metavar="TIME", help="Started at or after: 2h (ago), or RFC 3339.")
@click.option("--until", type=AHEAD, metavar="TIME", help="Started before: 2h (from now), or RFC 3339.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@FORMAT
@with_api
def list_(api: Api, limit: int, form: str, **filters: Any) -> None:
    """List changes, those that started last first.

    Exit status 1 where there are none.
    """
    found = api.items("/changes", query(filters), limit)
    rows = found if form == "json" else [{**each, "target": _target(each["target"])} for each in found]
    print_rows(rows, _COLUMNS, form, empty="no changes match")


@changes.command()
@click.argument("number")
@click.option("--at", type=AGO, metavar="TIME", help="When it ended: 5m (ago), or RFC 3339; default: now.")
@click.option("--cancelled", is_flag=True, help="It was not made after all: nothing is blamed on it.")
@FORMAT
@with_api
def end(api: Api, number: str, at: str | None, form: str, *, cancelled: bool) -> None:
    """Say that a change is over: done, or cancelled."""
    body = {"state": "cancelled"} if cancelled else {"state": "done", "ended_at": at or format_instant(now_ms())}
    path = f"/changes/{number}"
    tag = api.ask("GET", path).headers["ETag"]
    ended = api.ask("PATCH", path, body=body, headers={"If-Match": tag}).json()
    print_record(ended, form)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name and value):
        raise click.UsageError(f"{text!r} is no label; write NAME=VALUE")
    return name, value


def _target(target: dict[str, Any]) -> str:
    parts = {**{name: value for name, value in target.items() if name != "labels"}, **target["labels"]}
    return " ".join(f"{name}={value}" for name, value in parts.items() if value) or "-"
