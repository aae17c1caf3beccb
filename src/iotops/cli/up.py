"""`iotops up`: ingest and API until they are stopped."""

import click

from iotops.cli.configuration import load_settings
from iotops.wiring.supervising import run_up


@click.command()
@click.pass_context
def up(ctx: click.Context) -> None:
    """Run ingest and API, supervised, against your own broker and database, until stopped."""
    run_up(load_settings(ctx), ctx.find_root().obj)
