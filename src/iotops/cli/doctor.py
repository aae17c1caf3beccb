"""`iotops doctor`: the settings as they are, and whether everything around iotops is in order."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from iotops.checkup import check_up
from iotops.checkup.bundle import write_bundle
from iotops.checkup.check import Check
from iotops.cli.configuration import load_settings
from iotops.cli.output import FORMAT, print_json
from iotops.logs import escape
from iotops.settings import shown

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


@click.command()
@click.option(
    "--bundle",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write a new zip file to send along when asking for help; it holds no secret.",
)
@FORMAT
@click.pass_context
def doctor(ctx: click.Context, bundle: Path | None, form: str) -> None:
    """Print the settings and check everything around iotops.

    Secrets are redacted. Looks at database, disk, broker, rules, ingest and API; changes nothing, and may run beside
    everything else. Exit status 1 where a check failed; warnings do not count.
    """
    settings = load_settings(ctx)
    effective = shown(settings)
    if form == "text":
        _print_settings(effective)
    checks = check_up(settings)
    if bundle is not None:
        write_bundle(bundle, settings, effective, checks)
    if form == "json":
        print_json({"settings": effective, "checks": [asdict(check) for check in checks]})
    else:
        _print_checks(checks)
    sys.exit(1 if any(check.level == "failed" for check in checks) else 0)


def _print_settings(effective: dict[str, dict[str, Any]]) -> None:
    for section, values in effective.items():
        click.echo(f"[{section}]")
        for name, value in values.items():
            click.echo(f"  {name} = {'-' if value is None else escape(json.dumps(value, ensure_ascii=False))}")
    click.echo()


def _print_checks(checks: Sequence[Check]) -> None:
    console = Console(markup=False, highlight=False, soft_wrap=True)
    width = max(len(check.name) for check in checks)
    for check in checks:
        console.print(
            Text.assemble(
                (f"{check.level:<7}", _STYLES[check.level]), f"  {check.name:<{width}}  {escape(check.found)}"
            )
        )
        if check.advice:
            console.print(Text(f"{'':<{9 + width}}  to do: {escape(check.advice)}"))
    counts: Counter[str] = Counter(check.level for check in checks)
    console.print(Text("\n" + ", ".join(f"{counts[level]} {level}" for level in _STYLES)))
