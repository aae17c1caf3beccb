"""The command line: `python -m simulators run|replay|devices`."""

import json
import logging
import re
import signal
import sys
import time
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from threading import Event
from typing import Any

import click
import yaml

from iotops.durations import parse_duration, parse_instant
from iotops.errors import IotopsError
from simulators.endpoint import parse_endpoint
from simulators.fleetfile import find_fleet, load_fleet
from simulators.fleetrun import run
from simulators.options import Options
from simulators.population import populate
from simulators.recording import Columns
from simulators.replay import ReplayOptions, replay

_BROKER = click.option(
    "--broker", metavar="URL", help="mqtt://[USER:PASSWORD@]HOST[:PORT]; default IOTOPS_BROKER__URL, else loopback."
)
_PROTOCOL = click.option(
    "--protocol", type=click.Choice(["4", "5"]), help="MQTT 3.1.1 or 5; default 5, and 4 where the broker knows no 5."
)
_LEDGER = click.option(
    "--ledger", type=click.Path(path_type=Path), metavar="PUBLISHED.csv", help="Account for every published message."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print the summary as one line of JSON.")


class _Duration(click.ParamType[int]):
    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class _Moment(click.ParamType[int]):
    """`-6h` before now, or an instant in RFC 3339."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            if str(value).startswith("-"):
                return time.time_ns() // 1_000_000 - parse_duration(str(value)[1:])
            return parse_instant(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _reported(command: Callable[..., None]) -> Callable[..., None]:
    """Print our own errors as one line for people, with exit status 2."""

    def wrapped(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
        except IotopsError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(2)

    return update_wrapper(wrapped, command)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Simulated devices: fleets with physics and faults, and recorded data, over MQTT."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s", stream=sys.stderr)


@main.command("run")
@click.option("--fleet", required=True, metavar="FILE|NAME", help="A fleet file, or the name of a shipped one.")
@click.option("--devices", type=click.IntRange(min=1), help="Exactly this many devices.")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), help="Messages a second of the whole fleet.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND[:DEVICE[:AT[:FOR]]]",
    help="One more fault; AT counts from going live.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option(
    "--for", "for_ms", type=_Duration(), help="How long to run live; 0s is history only. Default: until stopped."
)
@click.option(
    "--start", "start_ms", type=_Moment(), help="Where history begins: -6h, or an instant. Default: as the fleet says."
)
@click.option(
    "--now", "live_ms", type=_Moment(), help="The instant that counts as now, for runs that repeat byte by byte."
)
@click.option("--truth", type=click.Path(path_type=Path), metavar="TRUTH.jsonl", help="Write every fault as it begins.")
@click.option(
    "--connections", type=click.IntRange(min=1), default=256, show_default=True, help="The most MQTT connections."
)
@_LEDGER
@_BROKER
@_PROTOCOL
@_JSON
@_reported
def run_fleet(broker: str | None, protocol: str | None, as_json: bool, **options: Any) -> None:
    """Run a fleet: history as fast as the broker takes it, then live."""
    endpoint = parse_endpoint(broker, int(protocol) if protocol else None)
    summary = run(Options(endpoint=endpoint, **options), _stopped_by_signals())
    _print(summary.described(), as_json)


@main.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--device", help="Default: the name of the file.")
@click.option("--site", default="recorded", show_default=True)
@click.option("--type", "type_", metavar="LABEL", help="Its label `type`, said in a status message; default: the same.")
@click.option("--time-column", help="Default: timestamp, time, datetime, date or ts, else the first column.")
@click.option("--value-columns", metavar="A,B", help="Default: every column but the time.")
@click.option("--metric-names", metavar="A,B", help="What the value columns are called on the wire.")
@click.option("--separator", help="Default: found from the header.")
@click.option(
    "--speed",
    default="max",
    show_default=True,
    help="3600x is an hour a second; max is as fast as the broker takes it.",
)
@click.option("--shift-to-now", is_flag=True, help="Move all times so that the recording ends now.")
@_LEDGER
@_BROKER
@_PROTOCOL
@_JSON
@_reported
def replay_file(file: Path, broker: str | None, protocol: str | None, as_json: bool, **options: Any) -> None:
    """Publish a recorded CSV file as one device, with the event times of the recording."""
    columns = Columns(
        time=options.pop("time_column"),
        values=_listed(options.pop("value_columns")),
        metrics=_listed(options.pop("metric_names")),
        separator=options.pop("separator"),
    )
    name = re.sub(r"[^A-Za-z0-9_.:-]", "-", file.stem)[:64]
    options["device"] = options["device"] or name
    options["type_"] = options["type_"] or name
    endpoint = parse_endpoint(broker, int(protocol) if protocol else None)
    summary = replay(ReplayOptions(file=file, columns=columns, endpoint=endpoint, **options), _stopped_by_signals())
    for finding in summary.bad_rows[:20]:
        click.echo(f"{file}:{finding}", err=True)
    if len(summary.bad_rows) > 20:
        click.echo(f"{file}: {len(summary.bad_rows) - 20} more rows were left out", err=True)
    _print(summary.described(), as_json)
    sys.exit(1 if summary.bad_rows else 0)


@main.command("devices")
@click.option("--fleet", required=True, metavar="FILE|NAME")
@click.option("--devices", "count", type=click.IntRange(min=1))
@_reported
def list_devices(fleet: str, count: int | None) -> None:
    """Print the fleet as a devices.yaml: the labels, `gateway` among them, that a registry should know."""
    members = populate(load_fleet(find_fleet(fleet)), count)
    entries = [{"site": member.key.site, "device": member.key.device, **member.labels} for member in members]
    click.echo(yaml.safe_dump({"devices": entries}, sort_keys=False, allow_unicode=True), nl=False)


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",")) if text else ()


def _stopped_by_signals() -> Event:
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _print(summary: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary))
        return
    width = max(map(len, summary))
    for name, found in summary.items():
        if isinstance(found, list):
            click.echo(f"{name:{width}}  {len(found)}")
            for item in found:
                click.echo(f"{'':{width}}  {_line(item)}")
        else:
            click.echo(f"{name:{width}}  {found}")


def _line(item: Any) -> str:
    if not isinstance(item, dict):
        return str(item)
    rules = ", ".join(item["rules"]) or "nothing"
    return f"{item['from']} {item['kind']} at {item['site']}/{item['device']} until {item['to']}, expected: {rules}"
