"""`iotops audit`: whether the incidents' timeline is what was written."""

import sys
from dataclasses import asdict

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_record
from iotops.store import audit as chain
from iotops.store import timeline
from iotops.wiring.opening import open_database


@click.group()
def audit() -> None:
    """Check the hash chain of the timeline."""


@audit.command()
@FORMAT
@click.pass_context
def verify(ctx: click.Context, form: str) -> None:
    """Compute the whole chain again; exit status 1 names the first row that is not what was written."""
    with open_database(load_settings(ctx)) as database, database.read() as unit:
        head = timeline.head(unit)
        fault = chain.verify(unit)
    print_record(
        {"intact": fault is None, "entries": head.seq, "head": head.hash} | (asdict(fault) if fault else {}), form
    )
    sys.exit(0 if fault is None else 1)
