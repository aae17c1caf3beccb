"""`iotops token`: who may use the API. Works on the database, so it needs no token itself."""

from dataclasses import asdict

import click

from iotops.cli.account import shell_deed
from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, Duration, instants, print_record, print_rows
from iotops.clock import now_ms
from iotops.store import deeds, tokens
from iotops.wiring.opening import open_database


@click.group()
def token() -> None:
    """Create, list and revoke API tokens."""


@token.command()
@click.option("--role", type=click.Choice(tokens.ROLES), required=True, help="What its holder may do.")
@click.option("--site", help="The only site it is good for; default: all.")
@click.option(
    "--expires", type=Duration(), metavar="DURATION", help="How long it is good for, e.g. 30d; default: for ever."
)
@click.option("--name", default="", help="Whose it is; the timeline of incidents shows it.")
@FORMAT
@click.pass_context
def create(ctx: click.Context, role: str, site: str | None, expires: int | None, name: str, form: str) -> None:
    """Create a token and print it, this once: only its digest is kept."""
    at_ms = now_ms()
    with open_database(load_settings(ctx)) as database, database.begin() as unit:
        made, text = tokens.create(
            unit, role, now_ms=at_ms, name=name, site=site, expires_ms=None if expires is None else at_ms + expires
        )
        told = {"role": made.role, "site": made.site, "name": made.name, "expires_ms": made.expires_ms}
        deeds.append(unit, [shell_deed(at_ms, "create_token", made.id, **told)])
    print_record({"id": made.id, "token": text, **instants({**asdict(made), "id": made.id})}, form)


@token.command("list")
@FORMAT
@click.pass_context
def list_(ctx: click.Context, form: str) -> None:
    """List all tokens; what they are cannot be shown again."""
    with open_database(load_settings(ctx)) as database, database.read() as unit:
        rows = [instants(asdict(found)) for found in tokens.every(unit)]
    columns = ("id", "role", "site", "name", "created_at", "expires_at", "revoked_at", "last_used_at")
    print_rows(rows, columns, form, empty="no tokens; make one with `iotops token create --role admin`")


@token.command()
@click.argument("token_id", metavar="ID")
@FORMAT
@click.pass_context
def revoke(ctx: click.Context, token_id: str, form: str) -> None:
    """Revoke a token; whoever holds it is refused from the next request on."""
    with open_database(load_settings(ctx)) as database, database.begin() as unit:
        gone = tokens.revoke(unit, token_id, now_ms())
        deeds.append(unit, [shell_deed(now_ms(), "revoke_token", gone.id)])
    print_record(instants(asdict(gone)), form)
