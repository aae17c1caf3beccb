"""`iotops deadletter`: messages that could not be used, and another try for them."""

from typing import Any

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, instants, print_record, print_rows
from iotops.store import dead_letters
from iotops.store.dead_letters import KeptLetter
from iotops.telemetry.decode import REASONS
from iotops.wiring import upkeep
from iotops.wiring.opening import open_database

_REASON = click.option("--reason", "reasons", type=click.Choice(sorted(REASONS)), multiple=True, help="Only these.")


@click.group()
def deadletter() -> None:
    """List, show and redrive dead letters."""


@deadletter.command("list")
@_REASON
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most.")
@FORMAT
@click.pass_context
def list_(ctx: click.Context, reasons: tuple[str, ...], limit: int, form: str) -> None:
    """List the newest dead letters."""
    with open_database(load_settings(ctx)) as database, database.read() as unit:
        rows = [_shown(letter) for letter in dead_letters.page(unit, reasons=reasons, limit=limit)]
    columns = ("id", "received_at", "topic", "reason", "detail", "size", "redriven_at")
    print_rows(rows, columns, form, empty="no dead letters")


@deadletter.command()
@click.argument("number", type=int, metavar="ID")
@FORMAT
@click.pass_context
def show(ctx: click.Context, number: int, form: str) -> None:
    """Show one dead letter with the beginning of its payload."""
    with open_database(load_settings(ctx)) as database, database.read() as unit:
        print_record(_shown(dead_letters.get(unit, number)), form)


@deadletter.command()
@_REASON
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@FORMAT
@click.pass_context
def redrive(ctx: click.Context, reasons: tuple[str, ...], dry_run: bool, form: str) -> None:
    """Publish dead letters again on their topics.

    Those that were not sent yet, at QoS 1, the oldest first. What still cannot be used becomes a new dead letter.
    Skipped are messages too long to have been kept, and retained ones, which the broker still has.
    """
    print_record(upkeep.redrive(load_settings(ctx), reasons, dry_run=dry_run), form)


def _shown(letter: KeptLetter) -> dict[str, Any]:
    names = ("id", "received_ms", "topic", "reason", "detail", "sha256", "size", "head", "redriven_ms")
    return instants({name: getattr(letter, name) for name in names})
