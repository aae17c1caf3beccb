"""`iotops ingest`: the process that receives, judges and raises, until it is stopped."""

import click

from iotops.cli.configuration import load_settings
from iotops.wiring.receiving import run_ingest


@click.command()
@click.pass_context
def ingest(ctx: click.Context) -> None:
    """Run the ingest alone: broker to database, rules, incidents, and the periodic jobs."""
    run_ingest(load_settings(ctx))
