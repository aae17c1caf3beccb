"""`iotops db`: the database's schema, size, backup and restore."""

from dataclasses import asdict
from pathlib import Path

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_record
from iotops.wiring import upkeep
from iotops.wiring.opening import open_database


@click.group()
def db() -> None:
    """Upgrade, prune, back up and restore the database."""


@db.command()
@click.pass_context
def upgrade(ctx: click.Context) -> None:
    """Bring the schema to what this version needs; does nothing where it is there already."""
    settings = load_settings(ctx)
    with open_database(settings, upgrade=True) as database:
        click.echo(f"the schema of {database.shown_url} is up to date")


@db.command()
@FORMAT
@click.pass_context
def prune(ctx: click.Context, form: str) -> None:
    """Delete what is older than the retention settings, counted from receipt; the timeline is never touched."""
    print_record(asdict(upkeep.prune(load_settings(ctx))), form)


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_context
def backup(ctx: click.Context, file: Path) -> None:
    """Write a consistent copy of the database to FILE while everything runs."""
    click.echo(upkeep.backup(load_settings(ctx), file))


@db.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def restore(ctx: click.Context, file: Path) -> None:
    """Put a backup in place of an absent or empty database; stop iotops first."""
    click.echo(upkeep.restore_backup(load_settings(ctx), file))
