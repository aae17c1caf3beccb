"""Incidents for people: a table, one in detail, its timeline. Colours on a terminal only; NO_COLOR is heeded."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from iotops.cli.output import print_json
from iotops.clock import now_ms
from iotops.console.promises import sla_view
from iotops.console.times import ago
from iotops.console.words import entry_sentence
from iotops.logs import escape

_STYLES = {"P1": "bold white on red", "P2": "bold red", "P3": "yellow", "new": "bold", "critical": "red"}
_DIM = frozenset({"resolved", "closed", "cancelled"})
_COMMANDS = {"acknowledge": "ack"}  # where the command is shorter than the API's name
_PIPED_WIDTH = 400  # whoever greps wants whole lines


def print_incidents(items: Sequence[Mapping[str, Any]], form: str) -> None:
    """Print a list of incidents; exits with 1 where it is empty."""
    if form == "json":
        print_json({"items": items})
    elif items:
        table = Table(box=None, pad_edge=False)
        for heading in ("number", "prio", "state", "age", "where"):
            table.add_column(heading, no_wrap=True)
        table.add_column("title", no_wrap=True, overflow="ellipsis", ratio=1)
        table.add_column("owner", no_wrap=True)
        for each in items:
            table.add_row(*_cells(each))
        _console().print(table)
    else:
        print("no incidents match", file=sys.stderr)  # noqa: T201  what a command prints
    if not items:
        sys.exit(1)


def print_incident(found: Mapping[str, Any]) -> None:
    """Print one incident in detail."""
    console = _console()
    console.print(Text.assemble((found["number"], "bold"), "  ", escape(found["title"])))
    facts = {name: value for name, value in _facts(found).items() if value not in (None, "")}
    width = max(map(len, facts))
    for name, value in facts.items():
        console.print(Text.assemble((f"  {name:<{width}}  ", "dim"), _styled(value)))


def print_timeline(items: Sequence[Mapping[str, Any]], form: str) -> None:
    """Print what happened, the oldest first; what people wrote stands on lines of its own."""
    if form == "json":
        print_json({"items": items})
        return
    console = _console()
    for entry in items:
        head = Text.assemble(
            (entry["at"], "dim"), f"  {escape(entry['actor'])}  ", (entry["type"].replace("_", " "), "bold")
        )
        console.print(head.append(f"  {escape(entry_sentence(entry))}"))
        for line in str(entry["data"].get("text") or "").splitlines():
            console.print(Text(f"    {escape(line)}"))


def print_outcome(after: Mapping[str, Any], *, commented: bool) -> None:
    """Print in one line where an incident stands after an action."""
    done = ": comment written; it" if commented else ""
    _console().print(Text(f"{after['number']}{done} is {_state(after)}, owned by {_owner(after)}"))


def _cells(each: Mapping[str, Any]) -> list[Text]:
    state = _state(each)
    return [
        _styled(each["number"]),
        _styled(each["priority"]),
        Text(state, style="dim" if each["state"] in _DIM else _STYLES.get(each["state"], "")),
        Text(ago(each["raised_at"], _now())),
        Text(_where(each)),
        Text(escape(each["title"])),
        Text(escape(each["assignee"] or each["team"] or "-")),
    ]


def _facts(found: Mapping[str, Any]) -> dict[str, str | None]:
    raised = f"{found['raised_at']} ({ago(found['raised_at'], _now())} ago)"
    held = "until " + found["hold_until"] if found["hold_until"] else ""
    return {
        "state": _state(found),
        "priority": f"{found['priority']} ({found['priority_reason'].get('text', 'set by a person')})",
        "severity": found["severity"],
        "where": _where(found),
        "service": found["service"],
        "owner": _owner(found),
        "raised": raised + (f", in the data at {found['fired_at']}" if found["fired_at"] else ", by a person"),
        "rule": found["rule"],
        **_evidence(found["evidence"]),
        "counted": f"readings {found['occurrence_count']}, alerts {found['alert_count']}",
        "acknowledged": found["acknowledged_at"],
        "notices": f"held by {found['muted_by']}" if found["muted_by"] else None,
        "on hold": " ".join(filter(None, (found["hold_reason"], held))),
        "resolved": found["resolved_at"],
        "how": ", ".join(filter(None, (found["resolution_code"], found["cause"], found["verdict"]))),
        "closed": found["closed_at"],
        "duplicate of": found["duplicate_of"],
        "came back": _recurrence(found),
        "problem": _problem(found["problem"]),
        "supplier": found["supplier"],
        "promised": ", ".join(each.text for each in sla_view(found["sla"])),
        "possible now": ", ".join(_COMMANDS.get(action, action) for action in found["allowed_actions"]),
    }


def _evidence(proof: Mapping[str, Any]) -> dict[str, str]:
    """Return the condition, what its parts were, and for how long it had been true, as far as they were kept."""
    if "when" not in proof:
        return {}
    parts = [part for part in proof.get("expressions", ()) if part["text"] not in (proof["when"], str(part["value"]))]
    values = ", ".join(f"{part['text']} = {part['value']}" for part in parts)
    held = f" for {proof['held']}" if proof.get("held", "0s") != "0s" else ""
    place = f"{proof.get('file', '?')}:{proof.get('line', '?')}"
    return {"because": f"{proof['when']}{held}" + (f"; {values}" if values else ""), "stands in": place}


def _recurrence(found: Mapping[str, Any]) -> str | None:
    if found["recurrence_of"] is None:
        return None
    times = f", {found['recurrence_count']} times within 30 days" if found["recurrence_count"] else ""
    return f"after {found['recurrence_of']}{times}"


def _problem(behind: Mapping[str, Any] | None) -> str | None:
    if behind is None:
        return None
    helps = f"; workaround: {behind['workaround']}" if behind["workaround"] else ""
    return f"{behind['number']} {behind['title']} ({behind['state'].replace('_', ' ')}){helps}"


def _state(each: Mapping[str, Any]) -> str:
    doubt = " (no data)" if each["data"] == "unknown" else ""
    flapping = " (flapping)" if each["flapping"] else ""
    return f"{each['state'].replace('_', ' ')}{doubt}{flapping}"


def _where(each: Mapping[str, Any]) -> str:
    return "/".join(filter(None, (each["site"], each["device"]))) or "-"


def _owner(each: Mapping[str, Any]) -> str:
    owners = " of ".join(filter(None, (each["assignee"], each["team"])))
    return escape(owners) if owners else "nobody"


def _styled(value: str | None) -> Text:
    text = escape(value or "-")
    return Text(text, style=_STYLES.get(text.partition(" ")[0], ""))


def _now() -> datetime:
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH, markup=False, highlight=False, soft_wrap=False)
