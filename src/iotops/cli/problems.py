"""`iotops problems`: what is behind incidents, through the API."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from iotops.cli.connection import IncidentNumber, ProblemNumber, with_api
from iotops.cli.incident_text import print_timeline
from iotops.cli.output import FORMAT, print_json, print_record, print_rows
from iotops.client.api import Api, given, query

_STATES = click.Choice(("open", "known_error", "resolved", "closed"))
_NUMBER = click.argument("number", type=ProblemNumber())
_INCIDENTS = click.Argument(["incidents"], type=IncidentNumber(), nargs=-1, required=True)
_LIMIT = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most."
)
_COLUMNS = ("number", "state", "incident_count", "rule", "instance", "owner", "title")
_CANDIDATES = ("rule", "instance", "count", "first_at", "last_at", "incidents")
_ROOT_CAUSE = click.Option(["--root-cause"], help="What it is.")
_WORKAROUND = click.Option(["--workaround"], help="What helps until the cause is gone.")


def _fate(default: str) -> click.Option:
    said = f"Leave them linked, resolve the open ones, or close them, too; default: {default}."
    return click.Option(["--incidents"], type=click.Choice(("leave", "resolve", "close")), help=said)


@dataclass(frozen=True, slots=True)
class _Action:
    """One action: the last part of its path, its help, and the parameters that become members of its body."""

    path: str
    help: str
    params: Sequence[click.Parameter] = ()


_ACTIONS: Mapping[str, _Action] = {
    "link": _Action("link", "Say that it is behind INCIDENTS.", (_INCIDENTS,)),
    "unlink": _Action("unlink", "Say that it is not behind INCIDENTS.", (_INCIDENTS,)),
    "known": _Action(
        "known-error",
        "Say that cause and workaround are known: a known error. New incidents that match show both.",
        (_ROOT_CAUSE, _WORKAROUND),
    ),
    "resolve": _Action("resolve", "Say that the cause is gone.", (_ROOT_CAUSE, _WORKAROUND, _fate("leave"))),
    "reopen": _Action("reopen", "Take a resolution back: the cause is not gone."),
    "close": _Action(
        "close", "Close it, and its incidents with it; nothing about it changes any more.", (_fate("close"),)
    ),
}


@click.group()
def problems() -> None:
    """List and show problems, the causes behind incidents, and work on them.

    Asks a running iotops with the token in IOTOPS_TOKEN. A problem is written PRB-000007, or 7.
    """


@problems.command("list")
@click.option("--state", type=_STATES, multiple=True, help="Only these; may be repeated, as the others.")
@click.option("--rule", multiple=True, help="Only about these rules.")
@click.option("--site", multiple=True, help="Only of these sites.")
@click.option("--owner", multiple=True, help="Only of these people.")
@click.option("--q", help="Part of number, title, root cause or workaround.")
@_LIMIT
@FORMAT
@with_api
def list_(api: Api, limit: int, form: str, **filters: Any) -> None:
    """List problems, the newest first.

    Exit status 1 where there are none.
    """
    print_rows(api.items("/problems", query(filters), limit), _COLUMNS, form, empty="no problems match")


@problems.command()
@_LIMIT
@FORMAT
@with_api
def candidates(api: Api, limit: int, form: str) -> None:
    """List what came back three times or more within 30 days, and no problem covers.

    Exit status 1 where there is nothing.
    """
    print_rows(api.items("/problems/candidates", {}, limit), _CANDIDATES, form, empty="nothing keeps coming back")


@problems.command()
@_NUMBER
@FORMAT
@with_api
def show(api: Api, number: str, form: str) -> None:
    """Show one problem, its incidents, and what can be done."""
    print_record(api.get(f"/problems/{number}"), form)


@problems.command()
@_NUMBER
@_LIMIT
@FORMAT
@with_api
def timeline(api: Api, number: str, limit: int, form: str) -> None:
    """Show what happened to one problem, as its incidents tell it, the oldest first."""
    print_timeline(api.items(f"/problems/{number}/timeline", {}, limit), form)


@problems.command()
@click.argument("incidents", type=IncidentNumber(), nargs=-1)
@click.option("--title", help="What it is about; may be left out with --candidate.")
@click.option("--candidate", nargs=2, metavar="RULE INSTANCE", help="Of what keeps coming back, with its incidents.")
@click.option("--rule", help="New incidents of this rule belong to it.")
@click.option("--instance", help="Of this instance only, for instance paris/fz-1.")
@click.option("--site", help="It concerns this site only.")
@click.option("--root-cause", help="What it is.")
@click.option("--workaround", help="What helps until the cause is gone.")
@click.option("--owner", help="Who looks for the cause.")
@FORMAT
@with_api
def create(api: Api, form: str, candidate: tuple[str, str] | None, **members: Any) -> None:
    """Open a problem behind INCIDENTS, or of a candidate."""
    body = given(**members)
    if candidate:
        body["candidate"] = dict(zip(("rule", "instance"), candidate, strict=True))
    elif "title" not in body:
        raise click.UsageError("expected --title, or --candidate RULE INSTANCE")
    _print_outcome(api.ask("POST", "/problems", body=body).json(), form)


@problems.command()
@_NUMBER
@click.option("--title", help="What it is about.")
@click.option("--root-cause", help="What it is.")
@click.option("--workaround", help="What helps until the cause is gone.")
@click.option("--owner", help="Who looks for the cause.")
@FORMAT
@with_api
def change(api: Api, number: str, form: str, **members: Any) -> None:
    """Change what is said of it."""
    body = given(**members)
    if not body:
        raise click.UsageError("expected --title, --root-cause, --workaround or --owner")
    path = f"/problems/{number}"
    tag = api.ask("GET", path).headers["ETag"]
    _print_outcome(api.ask("PATCH", path, body=body, headers={"If-Match": tag}).json(), form)


def _action_command(name: str) -> click.Command:
    action = _ACTIONS[name]

    def act(api: Api, number: str, form: str, **members: Any) -> None:
        _print_outcome(api.ask("POST", f"/problems/{number}/{action.path}", body=given(**members)).json(), form)

    asked: Callable[..., None] = with_api(act)
    command = click.command(name, help=action.help)(_NUMBER(FORMAT(asked)))
    command.params[1:1] = action.params
    return command


def _print_outcome(after: Mapping[str, Any], form: str) -> None:
    if form == "json":
        print_json(after)
    else:
        state = after["state"].replace("_", " ")
        click.echo(f"{after['number']} is {state}, behind {after['incident_count']} incidents")


for _name in _ACTIONS:
    problems.add_command(_action_command(_name))
