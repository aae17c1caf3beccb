"""`iotops notifications`: what people were told, and whether channels work."""

from typing import Any

import click

from iotops.cli.connection import with_api
from iotops.cli.lazy import LazyGroup
from iotops.cli.output import FORMAT, print_record, print_rows
from iotops.client.api import Api, query

COMMANDS = {
    "test": (
        "iotops.cli.notification_test:test",
        "Check notify.yaml, and send a test message to some channels, or to all.",
    ),
}
"""Command -> where it stands, and the first line of its help; it loads channels, which the others leave to the API."""

_STATES = click.Choice(("pending", "sending", "delivered", "failed"))
_COLUMNS = ("id", "state", "route", "channel", "attempts", "created_at", "delivered_at", "tells", "error")


@click.group(cls=LazyGroup, table=COMMANDS)
def notifications() -> None:
    """List notifications, deliver them again, and try channels out.

    Asks a running iotops with the token in IOTOPS_TOKEN; `test` needs none, it uses notify.yaml of this machine.
    """


@notifications.command("list")
@click.option("--state", type=_STATES, multiple=True, help="Only in these states; may be repeated, as the others.")
@click.option("--channel", multiple=True, help="Only to these channels.")
@click.option("--route", multiple=True, help="Only of these routes.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@FORMAT
@with_api
def list_(api: Api, limit: int, form: str, **filters: Any) -> None:
    """List notifications, the newest first.

    Exit status 1 where there are none.
    """
    found = api.items("/notifications", query(filters), limit)
    rows = found if form == "json" else [{**each, "tells": _tells(each)} for each in found]
    print_rows(rows, _COLUMNS, form, empty="no notifications match")


@notifications.command()
@click.argument("number", type=click.IntRange(1), metavar="ID")
@FORMAT
@with_api
def redeliver(api: Api, number: int, form: str) -> None:
    """Deliver one again, under the same key: a receiver that has it drops it."""
    print_record(api.ask("POST", f"/notifications/{number}/redeliver", body={}).json(), form)


def _tells(found: dict[str, Any]) -> str:
    return ", ".join(f"{each['event']} {each['incident']}" for each in found["events"])
