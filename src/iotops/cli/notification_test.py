"""`iotops notifications test`: whether channels work."""

import sys

import click

from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_rows
from iotops.notify.trial import try_out


@click.command()
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@FORMAT
@click.pass_context
def test(ctx: click.Context, channels: tuple[str, ...], form: str) -> None:
    """Check notify.yaml, and send a test message to some channels, or to all.

    Exit status 1 where one did not take it.
    """
    tried = try_out(load_settings(ctx).rules.directory, channels)
    rows = [{"channel": name, "outcome": error or "delivered"} for name, error in tried.items()]
    print_rows(rows, ("channel", "outcome"), form, empty="notify.yaml has no channels")
    sys.exit(1 if any(tried.values()) else 0)
