"""`iotops audit`: whether both chains are what was written, and who was let do what."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, Duration, instants, print_record, print_rows
from iotops.clock import now_ms
from iotops.store import anchors, deeds
from iotops.wiring.opening import open_database

_COLUMNS = ("seq", "at", "actor", "address", "action", "object", "outcome", "data")


@click.group()
def audit() -> None:
    """Check the hash chains of timeline and deeds, and list the deeds."""


@audit.command()
@click.option("--anchor", metavar="LINE", help="An anchor written down elsewhere, as the log of the ingest has it.")
@click.option(
    "--anchors",
    "anchor_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A file of anchors; its last one counts. Default: audit.anchor_file, where it exists.",
)
@FORMAT
@click.pass_context
def verify(ctx: click.Context, anchor: str | None, anchor_file: Path | None, form: str) -> None:
    """Compute both chains again; exit status 1 names the first row of each that is not what was written.

    An anchor shows whether a chain was cut off and its head set to match.
    """
    settings = load_settings(ctx)
    given = (
        anchors.last(anchor_file or settings.audit.anchor_file) if anchor is None else anchors.parse(anchor, "--anchor")
    )
    with open_database(settings) as database, database.read() as unit:
        now = anchors.current(unit)
        found = [{"chain": chain, **asdict(fault)} for chain, fault in anchors.faults(unit, given)]
    heads = {
        "entries": now.timeline.seq,
        "head": now.timeline.hash,
        "deeds": now.deeds.seq,
        "deeds_head": now.deeds.hash,
    }
    held = None if given is None else {"timeline": given.timeline.seq, "deeds": given.deeds.seq}
    print_record({"intact": not found, **heads, "anchor": held, **(found[0] if found else {}), "faults": found}, form)
    sys.exit(1 if found else 0)


@audit.command("list")
@click.option(
    "--action", multiple=True, help="Only these; may be repeated. An operation of the API, or rules_loaded, ..."
)
@click.option("--outcome", type=click.Choice(("done", "denied")), help="Only what was done, or only what was denied.")
@click.option("--last", type=Duration(), metavar="DURATION", help="Only what happened within this time, e.g. 1d.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@FORMAT
@click.pass_context
def list_(
    ctx: click.Context, action: tuple[str, ...], outcome: str | None, last: int | None, limit: int, form: str
) -> None:
    """List who was let do what, and who was not; the newest first.

    Exit status 1 where there is nothing.
    """
    since_ms = None if last is None else now_ms() - last
    with open_database(load_settings(ctx)) as database, database.read() as unit:
        found = deeds.page(unit, limit=limit, actions=action, outcome=outcome, since_ms=since_ms)
    rows = [instants({"seq": each.seq, **asdict(each.deed)}) for each in found]
    print_rows(rows, _COLUMNS, form, empty="nothing was done that is written down")
