"""What people can do with an incident, as a table: each entry is one command and one POST."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from iotops.cli.connection import AHEAD, NUMBER, with_api
from iotops.cli.incident_text import print_outcome
from iotops.cli.output import FORMAT, print_json
from iotops.client.api import Api, given

_VERDICTS = click.Choice(("real", "false_alarm"))


@dataclass(frozen=True, slots=True)
class Action:
    """One action: the last part of its path, its help, and the parameters that become members of its body."""

    path: str
    help: str
    params: tuple[click.Parameter, ...] = ()


ACTIONS: Mapping[str, Action] = {
    "ack": Action("acknowledge", "Say that you have seen it; a new incident is then in progress."),
    "assign": Action(
        "assign",
        "Give it to ASSIGNEE, to a team, or take it from whoever has it.",
        (
            click.Argument(["assignee"], required=False),
            click.Option(["--team"], help="The team that shall work on it."),
            click.Option(["--nobody"], is_flag=True, default=None, help="Take it from its assignee."),
        ),
    ),
    "hold": Action(
        "hold",
        "Put it on hold: work waits for something.",
        (
            click.Option(["--reason"], help="What is waited for."),
            click.Option(["--until"], type=AHEAD, metavar="TIME", help="At the longest: 2h (from now), or RFC 3339."),
        ),
    ),
    "resume": Action("resume", "End a hold: work goes on."),
    "resolve": Action(
        "resolve",
        "Say that the work is done. Where an alert still fires, it is looked at again after the grace time.",
        (
            click.Option(["--code"], help="How it ended, in your words: repaired, replaced, ..."),
            click.Option(["--cause"], help="What it was."),
            click.Option(["--note"], help="More, for the timeline."),
            click.Option(["--verdict"], type=_VERDICTS, help="Whether the rule was right."),
        ),
    ),
    "reopen": Action(
        "reopen", "Take a resolution back: it is not over.", (click.Option(["--note"], help="Why it is not over."),)
    ),
    "cancel": Action(
        "cancel",
        "End it for good, as none: a duplicate, a test.",
        (
            click.Option(["--reason"], help="Why it was none."),
            click.Option(["--duplicate-of"], metavar="NUMBER", help="The incident that it is about the same thing as."),
        ),
    ),
    "close": Action("close", "Close a resolved incident: nothing about it changes any more."),
    "merge": Action(
        "merge",
        "Let another incident tell its story, INTO; it gets the alerts.",
        (click.Argument(["into"]), click.Option(["--note"], help="Why it is the same story.")),
    ),
    "split": Action(
        "split",
        "Take a merge back: it is an incident of its own again.",
        (click.Option(["--note"], help="Why it is none of the other's."),),
    ),
    "comment": Action(
        "comments",
        "Write TEXT on its timeline; possible in every state.",
        (
            click.Argument(["text"]),
            click.Option(
                ["--visibility"], type=click.Choice(("internal", "public")), help="Who may read it; default: internal."
            ),
        ),
    ),
}


def action_command(name: str) -> click.Command:
    """Return the command of an action: `NUMBER`, what its body holds, and how to print."""
    action = ACTIONS[name]

    @with_api
    def act(api: Api, number: str, form: str, **members: Any) -> None:
        after = api.ask("POST", f"/incidents/{number}/{action.path}", body=_body(name, members)).json()
        if form == "json":
            print_json(after)
        else:
            print_outcome(after, commented=name == "comment")

    command = click.command(name, help=action.help)(NUMBER(FORMAT(act)))
    command.params[1:1] = action.params
    return command


def _body(name: str, members: Mapping[str, Any]) -> dict[str, Any]:
    body = given(**members)
    if name == "assign":
        if not body:
            raise click.UsageError("expected ASSIGNEE, --team or --nobody")
        if body.pop("nobody", False):
            if "assignee" in body:
                raise click.UsageError("--nobody and ASSIGNEE exclude each other")
            body["assignee"] = None
    return body
