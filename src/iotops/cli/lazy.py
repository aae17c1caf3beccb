"""Commands that are imported when they are chosen: help, and every other command, do without what they need."""

import importlib
from collections.abc import Mapping
from typing import Any

import click

Table = Mapping[str, tuple[str, str]]
"""Command -> where it stands, as `module:name`, and the first line of its help."""


def resolve(place: str) -> Any:
    """Import what stands at `module:name`."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


class LazyGroup(click.Group):
    """The commands of a table, and those that were added."""

    def __init__(self, *arguments: Any, table: Table, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command, sorted."""
        return sorted({*self.table, *super().list_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in self.table:
            return super().get_command(ctx, cmd_name)
        command = resolve(self.table[cmd_name][0])
        assert isinstance(command, click.Command)  # noqa: S101  the table is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none of them."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names))
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._summary(ctx, name).get_short_help_str(width)) for name in names])

    def _summary(self, ctx: click.Context, name: str) -> click.Command:
        """Return a command that has nothing but the help of the one in the table."""
        if name in self.table:
            return click.Command(name, help=self.table[name][1])
        command = self.get_command(ctx, name)
        assert command is not None  # noqa: S101  it is one of the listed ones
        return command
