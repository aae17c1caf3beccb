"""`iotops up | ingest | api`: the processes that run until they are stopped."""

import click

from iotops import wiring
from iotops.cli import load_settings


@click.command()
@click.pass_context
def up(ctx: click.Context) -> None:
    """Run ingest and API, supervised, against your own broker and database, until stopped."""
    wiring.run_up(load_settings(ctx), ctx.find_root().obj)


@click.command()
@click.pass_context
def ingest(ctx: click.Context) -> None:
    """Run the ingest alone: broker to database, rules, incidents, and the periodic jobs."""
    wiring.run_ingest(load_settings(ctx))


@click.command()
@click.option("--supervised", is_flag=True, hidden=True, help="Started by `iotops up`, which greets itself.")
@click.pass_context
def api(ctx: click.Context, supervised: bool) -> None:
    """Run the API and the console alone; shares only the database with the ingest."""
    wiring.run_api(load_settings(ctx), greets=not supervised)
