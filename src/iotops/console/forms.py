"""Forms: which action asks what, and what a browser sends back."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import Request

MOST_FIELDS = 600  # the incidents selected on the board, and what is to become of them


CODES = ("repaired", "replaced", "restarted", "configured", "supplier", "workaround", "no_fault_found", "by_itself")
"""Resolution codes that forms propose; others may be written."""


class Field(NamedTuple):
    """One input of an action's form; `choices` makes it a selection, `long` a text area, `proposed` a list to pick."""

    name: str
    label: str
    choices: Sequence[str] = ()
    long: bool = False
    proposed: str = ""
    help: str = ""


FIELDS: Mapping[str, Sequence[Field]] = {
    "acknowledge": (),
    "assign": (Field("assignee", "Owner"), Field("team", "Team")),
    "hold": (
        Field("reason", "Waiting for", ("supplier", "parts", "access", "change", "observation")),
        Field("until", "Until at the longest", help="such as 2026-12-24T08:00:00Z; empty: until somebody resumes"),
    ),
    "resume": (),
    "resolve": (
        Field("code", "How it ended", proposed="codes"),
        Field("cause", "Cause", help="what was behind it, in a few words"),
        Field("note", "Note", long=True),
        Field("verdict", "Was it real?", ("real", "false_alarm")),
    ),
    "reopen": (Field("note", "Why", long=True),),
    "cancel": (Field("reason", "Why", ("duplicate", "false_positive", "test")), Field("duplicate_of", "Duplicate of")),
    "close": (),
    "merge": (Field("into", "Into which incident"), Field("note", "Why", long=True)),
    "split": (Field("note", "Why", long=True),),
    "comment": (Field("text", "Note", long=True), Field("visibility", "For whom", ("internal", "public"))),
    "cause": (Field("change", "Change"), Field("note", "Why", long=True)),
    "edit": (Field("priority", "Priority", ("P1", "P2", "P3", "P4", "P5")),),
}
"""Action, as `allowed_actions` names it -> what its form asks."""

BESIDE = ("cause", "edit")
"""Actions without a button of their own, always possible: `cause` stands by the suspects, `edit` by the priority."""

_PATHS: Mapping[str, str] = {action: f"/{action}" for action in FIELDS} | {"comment": "/comments"}


def asked_for(action: str) -> tuple[str, str]:
    """Return by which method, and where below the incident, the API takes an action; nowhere where there is none."""
    return ("PATCH", "") if action == "edit" else ("POST", _PATHS.get(action, "/none"))


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields that a browser sent, those left empty omitted."""
    return dict(await read_pairs(request))


async def read_text(request: Request, name: str) -> str:
    """Return one field as it was typed, with plain line ends: places in it are told by line and column."""
    pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    return dict(pairs).get(name, "").replace("\r\n", "\n").replace("\r", "\n")


async def read_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the same with every value of a field that comes more than once."""
    try:
        pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:  # more fields than any form of ours has
        return []
    return [(name, value.strip()) for name, value in pairs if value.strip()]
