"""`iotops sla`: whether the clocks of promises are what the timeline says."""

import sys
from dataclasses import asdict

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_record
from iotops.clock import now_ms
from iotops.store.sla import rebuild as compute_again
from iotops.wiring.opening import open_database


@click.group()
def sla() -> None:
    """Compute the clocks of promises again."""


@sla.command()
@click.option("--check", is_flag=True, help="Only compare; exit status 1 where a clock differs.")
@FORMAT
@click.pass_context
def rebuild(ctx: click.Context, form: str, *, check: bool) -> None:
    """Compute every clock again from the timeline, and put it in place of what was cached."""
    with open_database(load_settings(ctx)) as database:
        found = compute_again(database, now_ms(), check=check)
    print_record({**asdict(found), "written": not check}, form)
    sys.exit(1 if check and found.different else 0)
