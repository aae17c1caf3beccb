"""`iotops api`: the process that answers programs and people, until it is stopped."""

import click

from iotops.cli.configuration import load_settings
from iotops.wiring.answering import run_api


@click.command()
@click.option("--supervised", is_flag=True, hidden=True, help="Started by `iotops up`, which greets itself.")
@click.pass_context
def api(ctx: click.Context, supervised: bool) -> None:
    """Run the API and the console alone; shares only the database with the ingest."""
    run_api(load_settings(ctx), greets=not supervised)
