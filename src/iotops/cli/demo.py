"""`iotops demo`: everything on loopback, with a simulated fleet and its faults."""

import sys
from pathlib import Path

import click

from iotops.cli.output import Duration
from iotops.demo.run import FLEET, DemoOptions, run_demo
from iotops.supervision import stop_event


@click.command()
@click.option("--for", "for_ms", type=Duration(), metavar="60s", help="How long to run live; default: until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="Of the console; 0: any.")
@click.option("--scenario", "fleet", default=FLEET, show_default=True, help="A shipped fleet, or a fleet file.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another run.")
@click.option("--broker", metavar="embedded|mosquitto|URL", help="Default: mosquitto if on PATH, else embedded.")
@click.option("--keep", type=click.Path(path_type=Path), metavar="DIR", help="Keep all files there.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object, the last line.")
def demo(**options: object) -> None:
    """Run broker, ingest, rules, API, console and a simulated fleet with faults, all on loopback.

    Exit status 0 only if every published message is accounted for.
    """
    accounted = run_demo(DemoOptions(**options), stop_event())  # type: ignore[arg-type]  # click has typed them
    sys.exit(0 if accounted else 1)
