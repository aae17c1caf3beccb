"""`iotops kpis`: the figures that people steer by, through the API."""

from typing import Any

import click

from iotops.cli.connection import AGO, with_api
from iotops.cli.output import print_json, print_rows
from iotops.client.api import Api, query
from iotops.durations import format_duration
from iotops.incidents.kpi import GROUPS, KPIS

_FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "csv")),
    default="text",
    show_default=True,
    help="For whom to print.",
)
_COLUMNS = ("kpi", "key", "value", "n", "median", "p90", "previous")


@click.command()
@click.option("--from", "from_", type=AGO, metavar="TIME", help="Since 7d (ago), or RFC 3339; default: 30 days before.")
@click.option("--to", type=AGO, metavar="TIME", help="Until 1d (ago), or RFC 3339; default: now.")
@click.option("--by", type=click.Choice(GROUPS), help="Tell each figure by this.")
@click.option("--kpi", type=click.Choice(tuple(KPIS)), multiple=True, help="Only these; may be repeated.")
@click.option("--site", multiple=True, help="Only of these sites.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="How many groups at most.")
@click.option("--definitions", is_flag=True, help="Say what each figure means, and nothing else.")
@_FORMAT
@with_api
def kpis(api: Api, from_: str | None, form: str, *, definitions: bool, **asked: Any) -> None:
    """Show figures about incidents over a period, with the period before."""
    if definitions:
        rows = [{"kpi": kpi.name, "definition": kpi.definition} for kpi in KPIS.values()]
        print_rows(rows, ("kpi", "definition"), "json" if form == "json" else "text", empty="")
        return
    params = {**query({name: value for name, value in asked.items() if name != "limit"}), "limit": asked["limit"]}
    params.update({"from": from_} if from_ else {})
    if form == "csv":
        click.echo(api.ask("GET", "/kpis.csv", params=params).text, nl=False)
        return
    found = api.get("/kpis", **params)
    if form == "json":
        print_json(found)
        return
    print_rows([row for each in found["items"] for row in _rows(each)], _COLUMNS, "text", empty="no figures")


def _rows(kpi: dict[str, Any]) -> list[dict[str, Any]]:
    unit, before = kpi["unit"], kpi["previous"]
    previous = f"{_spelled(unit, before['value'])} (n={before['n']})"
    rows = [{**_row(unit, kpi), "previous": previous}, *(_row(unit, group) for group in kpi["groups"])]
    return [{**row, "kpi": kpi["title"] if place == 0 else "", "key": row["key"]} for place, row in enumerate(rows)]


def _row(unit: str, figure: dict[str, Any]) -> dict[str, Any]:
    lasting = {name: _spelled("ms", figure[name]) for name in ("median", "p90")}
    return {"key": figure.get("key", ""), "value": _spelled(unit, figure["value"]), "n": figure["n"], **lasting}


def _spelled(unit: str, value: float | None) -> str:
    if value is None:
        return "-"
    if unit == "share":
        return f"{value:.1%}"
    return format_duration(round(value / 1000) * 1000) if unit == "ms" else f"{value:.0f}"
