"""`iotops devices enroll | rotate | revoke | credentials | prepare`: what devices prove themselves with, for mosquitto.

Works on files beside the broker and on the database, so it needs no token and no running iotops.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from iotops.broker.enrolment.clerk import Clerk, Issued
from iotops.cli.account import shell_deed
from iotops.cli.configuration import load_settings
from iotops.cli.connection import DevicePath
from iotops.cli.output import FORMAT, instants, print_record, print_rows
from iotops.clock import now_ms
from iotops.store import deeds
from iotops.telemetry.reading import DeviceKey
from iotops.wiring.opening import open_database

_DEVICE = click.argument("device", type=DevicePath(), metavar="SITE/DEVICE")
_RELOAD = "mosquitto heeds it once it has read its files again: systemctl reload mosquitto, or kill -HUP"


@click.command()
@_DEVICE
@click.option("--password", is_flag=True, help="A user and a password, where the device cannot have a certificate.")
@click.option(
    "--speaks-for",
    multiple=True,
    metavar="DEVICE",
    help="Of the same site; what a gateway may publish for. Repeatable.",
)
@FORMAT
@click.pass_context
def enroll(ctx: click.Context, device: str, password: bool, speaks_for: tuple[str, ...], form: str) -> None:
    """Give a device a credential of its own: a certificate, or with --password a password that is shown this once."""
    key, at_ms = _key(device), now_ms()
    for name in speaks_for:
        DevicePath().convert(f"{key.site}/{name}", None, ctx)
    told = {"kind": "password" if password else "certificate", "speaks_for": list(speaks_for)}
    with _written_down(ctx, "device_enrolled", key, at_ms, told) as clerk:
        issued = clerk.enroll(key, at_ms, password=password, speaks_for=speaks_for)
    _show(issued, form)


@click.command()
@_DEVICE
@click.option("--keep-old", is_flag=True, help="Leave the old certificate good until it ends or is revoked.")
@FORMAT
@click.pass_context
def rotate(ctx: click.Context, device: str, keep_old: bool, form: str) -> None:
    """Give a device a new credential of the kind it has; the old one ends."""
    key, at_ms = _key(device), now_ms()
    with _written_down(ctx, "device_rotated", key, at_ms, {"keep_old": keep_old}) as clerk:
        issued = clerk.rotate(key, at_ms, keep_old=keep_old)
    _show(issued, form)


@click.command()
@_DEVICE
@FORMAT
@click.pass_context
def revoke(ctx: click.Context, device: str, form: str) -> None:
    """Take a device's credential away; with the broker's next reload it may do nothing any more."""
    key, at_ms = _key(device), now_ms()
    with _written_down(ctx, "device_revoked", key, at_ms, {}) as clerk:
        gone = clerk.revoke(key, at_ms)
    click.echo(_RELOAD, err=True)
    print_record(instants({"device": str(gone.key), "user": gone.user, "revoked_ms": gone.revoked_ms}), form)


@click.command()
@FORMAT
@click.pass_context
def credentials(ctx: click.Context, form: str) -> None:
    """List which devices have which credential, revoked ones included.

    Exit status 1 where there are none.
    """
    rows = [
        instants(
            {
                "site": each.site,
                "device": each.device,
                "kind": each.kind,
                "user": each.user,
                "speaks_for": list(each.speaks_for),
                **{name: getattr(each, name) for name in ("enrolled_ms", "rotated_ms", "revoked_ms")},
                "ends_ms": each.certificates[-1].ends_ms if each.certificates else None,
            }
        )
        for each in _clerk(ctx).listed()
    ]
    columns = ("site", "device", "kind", "user", "enrolled_at", "rotated_at", "revoked_at", "ends_at")
    print_rows(rows, columns, form, empty="no devices are enrolled; see `iotops devices enroll --help`")


@click.command()
@click.option(
    "--host",
    "hosts",
    multiple=True,
    help="What devices call the broker by: a certificate for it is signed. Repeatable; the first names its files.",
)
@FORMAT
@click.pass_context
def prepare(ctx: click.Context, hosts: tuple[str, ...], form: str) -> None:
    """Make what the broker needs before its first device: ingest's password, with --host a certificate of its own."""
    at_ms = now_ms()
    with _written_down(ctx, "broker_prepared", None, at_ms, {"hosts": list(hosts)}) as clerk:
        made = clerk.prepare(hosts, at_ms)
    click.echo(_RELOAD, err=True)
    print_record({name: str(file) for name, file in made.items()}, form)


COMMANDS = (enroll, rotate, revoke, credentials, prepare)
"""What the group `devices` takes over from here."""


@contextmanager
def _written_down(
    ctx: click.Context, action: str, key: DeviceKey | None, at_ms: int, told: Mapping[str, Any]
) -> Iterator[Clerk]:
    """Tell a deed in a transaction around what is done to the broker's files: neither happens without the other."""
    with open_database(load_settings(ctx)) as database, database.begin() as unit:
        deeds.append(unit, [shell_deed(at_ms, action, "broker" if key is None else str(key), **told)])
        yield _clerk(ctx)


def _clerk(ctx: click.Context) -> Clerk:
    settings = load_settings(ctx).enrolment
    return Clerk(settings.directory, settings.certificate_days)


def _key(device: str) -> DeviceKey:
    site, _, name = device.partition("/")
    return DeviceKey(site, name)


def _show(issued: Issued, form: str) -> None:
    click.echo(_RELOAD, err=True)
    facts = {name: value for name, value in asdict(issued).items() if name != "device" and value is not None}
    print_record({"device": str(issued.device.key), "user": issued.device.user, **facts}, form)
