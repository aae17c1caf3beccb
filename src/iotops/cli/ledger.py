"""`iotops ledger`: the nothing-lost account of what publishers wrote down."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_record
from iotops.logs import escape
from iotops.wiring import upkeep


@click.command()
@click.argument("published", type=click.Path(path_type=Path), metavar="PUBLISHED.csv")
@click.option("--strict", is_flag=True, help="Exit with 1 where any of I1 to I7 does not hold.")
@FORMAT
@click.pass_context
def ledger(ctx: click.Context, published: Path, *, strict: bool, form: str) -> None:
    """Account for every published message: stored once, a duplicate of a stored one, or dead-lettered.

    Run it after a drain. Then come I1 to I7: what must hold of messages, incidents, notices, the chains and the
    ingest. Exit status 1: an acknowledged message is nowhere, is stored twice or a dead letter as well, or a chain is
    broken.
    """
    account, faults = verdict = upkeep.settle_ledger(load_settings(ctx), published)
    record = {name: value for name, value in asdict(account).items() if name != "named"}
    shown = {**record, "clean": account.clean, "named": account.named}
    if form == "json":
        print_record({**shown, "invariants": faults}, form)
    else:
        print_record(shown, form)
        for line in verdict.lines():
            click.echo(escape(line))
    broken = {number for number, fault in faults.items() if fault}
    sys.exit(1 if not account.clean or broken & (set(faults) if strict else _ALWAYS) else 0)


_ALWAYS = {"I1", "I2", "I3", "I6"}
"""What nothing that people may have set or left can break."""
