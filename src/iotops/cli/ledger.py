"""`iotops ledger`: the nothing-lost account of what publishers wrote down."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_record
from iotops.wiring import upkeep


@click.command()
@click.argument("published", type=click.Path(path_type=Path), metavar="PUBLISHED.csv")
@FORMAT
@click.pass_context
def ledger(ctx: click.Context, published: Path, form: str) -> None:
    """Account for every published message: stored once, a duplicate of a stored one, or dead-lettered.

    Run it after a drain. Exit status 1: an acknowledged message is nowhere, or is stored twice.
    """
    account = upkeep.settle_ledger(load_settings(ctx), published)
    record = {name: value for name, value in asdict(account).items() if name != "named"}
    print_record({**record, "clean": account.clean, "named": account.named}, form)
    sys.exit(0 if account.clean else 1)
