"""`iotops devices`: what sends, and what it is labelled, through the API."""

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from iotops.cli import device_credentials
from iotops.cli.connection import DevicePath, with_api
from iotops.cli.output import FORMAT, print_json, print_record, print_rows
from iotops.client.api import Api, query
from iotops.client.devices import change, device_path, import_devices

_LIFECYCLES = click.Choice(("active", "retired"))
_DEVICE = click.argument("device", type=DevicePath(), metavar="SITE/DEVICE")
_COLUMNS = ("site", "device", "name", "online", "lifecycle", "last_seen_at", "labels")


@click.group()
def devices() -> None:
    """List and show devices, set their labels and lifecycle; give them credentials for the broker.

    list, show, set and import ask a running iotops with the token in IOTOPS_TOKEN; setting needs the role author. The
    others work on the broker's files (enrolment.directory) and the database, on the machine where those are.
    """


for _command in device_credentials.COMMANDS:
    devices.add_command(_command)


@devices.command("list")
@click.option("--site", multiple=True, help="Only of these sites; may be repeated, as the others.")
@click.option("--device", multiple=True, help="Only these.")
@click.option("--lifecycle", type=_LIFECYCLES, multiple=True, help="Only active, or only retired ones.")
@click.option("--online/--offline", default=None, help="Only those whose newest status says so.")
@click.option("--q", help="Part of the id or the name.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many at most.")
@FORMAT
@with_api
def list_(api: Api, limit: int, form: str, online: bool | None, **filters: Any) -> None:
    """List devices by site and id.

    Exit status 1 where there are none.
    """
    wanted = query(filters) | ({} if online is None else {"online": str(online).lower()})
    found = api.items("/devices", wanted, limit)
    rows = found if form == "json" else [{**each, "labels": _labels(each), "online": _presence(each)} for each in found]
    print_rows(rows, _COLUMNS, form, empty="no devices match")


@devices.command()
@_DEVICE
@FORMAT
@with_api
def show(api: Api, device: str, form: str) -> None:
    """Show one device, and who said which of its labels."""
    print_record(api.get(device_path(device)), form)


@devices.command("set")
@_DEVICE
@click.argument("labels", nargs=-1, metavar="[LABEL=VALUE]...")
@click.option("--lifecycle", type=_LIFECYCLES, help="A retired device raises nothing.")
@FORMAT
@with_api
def set_(api: Api, device: str, labels: tuple[str, ...], lifecycle: str | None, form: str) -> None:
    """Set labels and lifecycle of a device.

    LABEL= takes back what was set here before. Labels set here beat those of devices.yaml, and those beat what the
    device says of itself.
    """
    if not labels and lifecycle is None:
        raise click.UsageError("expected LABEL=VALUE or --lifecycle")
    found, _ = change(api, device_path(device), dict(map(_label, labels)), lifecycle)
    print_record(found, form)


@devices.command("import")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE.csv")
@click.option("--dry-run", is_flag=True, help="Only say what would be set.")
@FORMAT
@with_api
def import_(api: Api, file: Path, dry_run: bool, form: str) -> None:
    """Set the labels of many devices from a CSV file.

    Columns: site and device, maybe lifecycle; every other one is a label. An empty cell leaves the label as it is.
    A device that never sent anything and does not stand in devices.yaml is unknown. Exit status 1 where a line could
    not be done; the others are.
    """
    rows = list(import_devices(api, file, dry_run=dry_run))
    counts = Counter(row.outcome for row in rows)
    if form == "json":
        print_json({"items": [asdict(row) for row in rows], "counts": counts, "dry_run": dry_run})
    else:
        columns = ("line", "site", "device", "outcome", "detail")
        print_rows([asdict(row) for row in rows], columns, form, empty=f"{file}: no lines below the header")
        summary = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        click.echo(f"{'dry run, nothing was sent: ' if dry_run else ''}{summary}")
    sys.exit(1 if any(row.failed for row in rows) else 0)


def _label(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"{text!r} is no label; write LABEL=VALUE, or LABEL= to take it back")
    return name, value or None


def _labels(device: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in device["labels"].items()) or "-"


def _presence(device: dict[str, Any]) -> str:
    return {True: "online", False: "offline", None: "-"}[device["online"]]
