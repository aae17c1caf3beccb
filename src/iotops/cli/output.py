"""How commands print: tables for people, one line of JSON for programs."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from iotops.durations import format_instant, parse_duration, parse_instant
from iotops.logs import escape

FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For whom to print.",
)


class Duration(click.ParamType[int]):
    """An option such as `30d`, in milliseconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds; usage error where the text is no duration."""
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Instant(click.ParamType[int]):
    """An option such as `2026-01-01T00:00:00Z`, in Unix milliseconds."""

    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return milliseconds; usage error where the text is no RFC 3339."""
        try:
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def print_json(value: Any) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: str, *, empty: str) -> None:
    """Print rows as a table of the given columns, or as one JSON object `{"items": [...]}` with everything.

    Args:
        rows: one mapping per row; what devices sent is shown with control characters escaped.
        columns: of the table.
        form: `text` or `json`.
        empty: what to say where there are no rows; such a query exits with 1.
    """
    if form == "json":
        print_json({"items": list(rows)})
    elif not rows:
        click.echo(empty, err=True)
    else:
        table = Table(*(column.replace("_", " ") for column in columns), box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(_cell(row.get(column)) for column in columns))
        # Piped output is cut nowhere: whoever greps it wants whole lines.
        Console(width=None if sys.stdout.isatty() else 400, markup=False, highlight=False).print(table)
    if not rows:
        sys.exit(1)


def print_record(record: Mapping[str, Any], form: str) -> None:
    """Print one thing: a line per member, or one line of JSON."""
    if form == "json":
        print_json(record)
        return
    width = max(map(len, record), default=0)
    for name, value in record.items():
        click.echo(f"{name:<{width}}  {_cell(value)}")


def instants(record: Mapping[str, Any], keep: Callable[[str], bool] = lambda _: True) -> dict[str, Any]:
    """Return a record whose `..._ms` instants are RFC 3339 under `..._at`, without None for what never happened."""
    shown: dict[str, Any] = {}
    for name, value in record.items():
        if name.endswith("_ms") and keep(name):
            shown[name.removesuffix("_ms") + "_at"] = None if value is None else format_instant(value)
        else:
            shown[name] = value
    return shown


def _cell(value: Any) -> str:
    if value is None or value in ((), [], {}):
        return "-"
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return escape(", ".join(value))
    if isinstance(value, dict | list | tuple):
        return escape(json.dumps(value, ensure_ascii=False))
    return escape(str(value))
