"""`iotops incidents`: what people must know, and what they do about it, through the API."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from iotops.cli.connection import AGO, NUMBER, with_api
from iotops.cli.incident_actions import ACTIONS, action_command
from iotops.cli.incident_text import print_incident, print_incidents, print_timeline
from iotops.cli.output import FORMAT, print_json, print_rows
from iotops.client.api import Api, query
from iotops.logs import escape

_ENDED = ("number", "resolved_at", "device", "code", "cause", "note", "problem")
_SUSPECTS = ("number", "score", "kind", "started_at", "title", "why")
_STATES = ("new", "in_progress", "on_hold", "resolved", "closed", "cancelled")


@click.group()
def incidents() -> None:
    """List and show incidents, and work on them.

    Asks a running iotops with the token in IOTOPS_TOKEN. An incident is written INC-000142, or 142.
    """


@incidents.command("list")
@click.option("--state", type=click.Choice(_STATES), multiple=True, help="Only these; may be repeated, as the others.")
@click.option("--priority", type=click.Choice(("P1", "P2", "P3", "P4", "P5")), multiple=True, help="Only these.")
@click.option("--site", multiple=True, help="Only of these sites.")
@click.option("--service", multiple=True, help="Only of these services.")
@click.option("--device", multiple=True, help="Only of these devices.")
@click.option("--rule", multiple=True, help="Only raised by these rules.")
@click.option("--assignee", multiple=True, help="Only of these people.")
@click.option("--q", help="Part of title, site, device, rule or service, or a number.")
@click.option("--since", type=AGO, metavar="TIME", help="Raised at or after: 2h (ago), or RFC 3339.")
@click.option("--until", type=AGO, metavar="TIME", help="Raised before: 2h (ago), or RFC 3339.")
@click.option(
    "--sort",
    default="-raised_at",
    show_default=True,
    help="raised_at, number, priority, severity, state, several by commas; - turns one round.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@FORMAT
@with_api
def list_(api: Api, limit: int, form: str, **filters: Any) -> None:
    """List incidents, the newest first.

    Exit status 1 where there are none.
    """
    print_incidents(api.items("/incidents", query(filters), limit), form)


@incidents.command()
@NUMBER
@FORMAT
@with_api
def show(api: Api, number: str, form: str) -> None:
    """Show one incident, why it was raised, and what can be done."""
    found = api.get(f"/incidents/{number}")
    if form == "json":
        print_json(found)
    else:
        print_incident(found)


@incidents.command()
@NUMBER
@click.option("--limit", type=click.IntRange(1, 10_000), default=1_000, show_default=True, help="How many at most.")
@FORMAT
@with_api
def timeline(api: Api, number: str, limit: int, form: str) -> None:
    """Show what happened to one incident, the oldest first."""
    print_timeline(api.items(f"/incidents/{number}/timeline", {}, limit), form)


@incidents.command()
@NUMBER
@click.option("--limit", type=click.IntRange(1, 50), default=5, show_default=True, help="How many at most.")
@FORMAT
@with_api
def similar(api: Api, number: str, limit: int, form: str) -> None:
    """Show what fixed it last time: on the same device, else on devices of the same model or type.

    Exit status 1 where nobody ended anything like it.
    """
    found = api.get(f"/incidents/{number}/similar", limit=limit)
    if form == "json":
        print_json(found)
        sys.exit(0 if found["items"] else 1)
    print_rows(found["items"], _ENDED, form, empty="nothing like it was ended by anybody yet")
    for fix in found["fixes"]:
        click.echo(escape(f"{fix['count']} x {', '.join(filter(None, (fix['code'], fix['cause'])))}"))


@incidents.command()
@NUMBER
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True, help="How many at most.")
@FORMAT
@with_api
def suspects(api: Api, number: str, limit: int, form: str) -> None:
    """Show which changes may have caused it, the likeliest first, each with why.

    Exit status 1 where nothing changed that could have.
    """
    found = api.get(f"/incidents/{number}/suspects", limit=limit)
    if form == "json":
        print_json(found)
        sys.exit(0 if found["items"] else 1)
    rows = [_suspect(each) for each in found["items"]]
    print_rows(rows, _SUSPECTS, form, empty="nothing is known to have changed that could have caused it")


def _suspect(found: Mapping[str, Any]) -> dict[str, Any]:
    change = found["change"]
    shown = {name: change[name] for name in ("number", "kind", "started_at", "title")}
    return {**shown, "score": f"{found['score']:.2f}", "why": "; ".join(found["reasons"])}


for _name in ACTIONS:
    incidents.add_command(action_command(_name))
