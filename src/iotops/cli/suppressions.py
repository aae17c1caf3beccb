"""`iotops suppressions`: maintenance and silences, through the API."""

from typing import Any

import click

from iotops.cli.connection import AHEAD, with_api
from iotops.cli.output import FORMAT, print_record, print_rows
from iotops.client.api import Api, query

_ID = click.argument("suppression", metavar="ID")
_COLUMNS = ("id", "kind", "state", "window", "matched_devices", "owner", "reason")


@click.group()
def suppressions() -> None:
    """List, add and end maintenance and silences.

    Asks a running iotops with the token in IOTOPS_TOKEN. An operator may silence for up to a day, or until all is
    clear; the rest needs the role author.
    """


@suppressions.command("list")
@click.option("--kind", type=click.Choice(("maintenance", "silence")), multiple=True, help="Only of these kinds.")
@click.option("--ended/--not-ended", default=None, help="Only those that were ended, or only the others.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many at most.")
@FORMAT
@with_api
def list_(api: Api, kind: tuple[str, ...], ended: bool | None, limit: int, form: str) -> None:
    """List suppressions, the newest first.

    Exit status 1 where there are none.
    """
    wanted = query({"kind": kind}) | ({} if ended is None else {"ended": str(ended).lower()})
    found = api.items("/suppressions", wanted, limit)
    rows = found if form == "json" else [{**each, "window": _window(each)} for each in found]
    print_rows(rows, _COLUMNS, form, empty="no suppressions match")


@suppressions.command()
@click.option(
    "--kind",
    type=click.Choice(("maintenance", "silence")),
    default="silence",
    show_default=True,
    help="Planned work, or quiet that somebody wants.",
)
@click.option("--label", "labels", multiple=True, metavar="LABEL=VALUE", help="Of devices; may be repeated.")
@click.option("--rule", "rules", multiple=True, help="Only alerts of these rules.")
@click.option("--site", "sites", multiple=True, help="Of these sites.")
@click.option("--service", "services", multiple=True, help="Of these services.")
@click.option("--device", "devices", multiple=True, metavar="SITE/DEVICE", help="These devices.")
@click.option("--from", "starts", type=AHEAD, help="When it begins, such as 2h or RFC 3339; default: now.")
@click.option("--until", "ends", type=AHEAD, help="When it ends; of the first window where --rrule repeats it.")
@click.option("--until-cleared", is_flag=True, help="End it by itself once all has cleared.")
@click.option("--rrule", help="Repeat it: RFC 5545, for instance FREQ=WEEKLY;BYDAY=SU.")
@click.option("--timezone", help="Whose wall clock --rrule counts on; default: UTC.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--reason", required=True, help="Why.")
@FORMAT
@with_api
def add(api: Api, form: str, **said: Any) -> None:
    """Plan maintenance, or silence what is known; says how many devices that is."""
    matcher = {name: said[name] for name in ("rules", "sites", "services", "devices") if said[name]}
    labels: dict[str, list[str]] = {}
    for name, value in map(_label, said["labels"]):
        labels.setdefault(name, []).append(value)
    body = {
        **{name: said[name] for name in ("kind", "rrule", "timezone", "owner", "reason") if said[name] is not None},
        "matcher": matcher | ({"labels": labels} if labels else {}),
        "until_cleared": said["until_cleared"],
    }
    body |= {name: said[given] for name, given in (("starts_at", "starts"), ("ends_at", "ends")) if said[given]}
    print_record(api.ask("POST", "/suppressions", body=body).json(), form)


@suppressions.command()
@_ID
@FORMAT
@with_api
def end(api: Api, suppression: str, form: str) -> None:
    """End one now, for good; what still fires raises its incident."""
    print_record(api.ask("POST", f"/suppressions/{suppression}/end", body={}).json(), form)


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise click.UsageError(f"{text!r} is no label; write LABEL=VALUE")
    return name, value


def _window(found: dict[str, Any]) -> str:
    window = found["window"]
    return "-" if window is None else f"{window['starts_at']} - {window['ends_at'] or 'all clear'}"
