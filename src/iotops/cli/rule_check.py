"""`iotops rules check`: whether rule files say what their author means, before they are in force."""

import sys
from pathlib import Path

import click

from iotops.cli.configuration import load_settings
from iotops.cli.lazy import resolve
from iotops.cli.output import print_json
from iotops.cli.rule_paths import PATH, RULES_FORMAT, chosen_path
from iotops.clock import monotonic_ms
from iotops.durations import format_duration
from iotops.rules.authoring.files import Checked, check_path
from iotops.rules.authoring.raised import Raised
from iotops.rules.authoring.rendering import FORMATS, members
from iotops.wording import counted

_ONLINE = "iotops.wiring.online:check_online"  # imported where it is asked for: only it needs a database
_NOTIFY = "iotops.notify.routefile:load_notify"  # and only where there is a notify.yaml are channels looked at


def _load_notify(directory: Path) -> object:
    return resolve(_NOTIFY)(directory)


_OTHERS = {"notify.yaml": _load_notify}


@click.command()
@PATH
@click.option("--online", is_flag=True, help="Against the devices and telemetry in the database of the settings.")
@RULES_FORMAT
@click.pass_context
def check(ctx: click.Context, path: Path | None, form: str, *, online: bool) -> None:
    """Check rule files, and what stands beside them (devices.yaml, notify.yaml, ...).

    Exit status 1 where one has an error; warnings and notes do not count.
    """
    started_ms = monotonic_ms()
    chosen = chosen_path(ctx, path)
    found, raised = (
        resolve(_ONLINE)(load_settings(ctx), chosen) if online else (check_path(chosen, others=_OTHERS), None)
    )
    took_ms = monotonic_ms() - started_ms
    if form == "json":
        shown = [members(each) for each in found.findings]
        print_json(_counts(found) | {"duration_ms": took_ms, "estimates": _estimates(found, raised), "findings": shown})
    else:
        if found.findings:
            click.echo(FORMATS[form](found.findings) + "\n")
        counts = [counted(count, name.removesuffix("s")) for name, count in _counts(found).items()]
        click.echo(f"{', '.join(counts)} in {took_ms / 1000:.2f} s")
        click.echo(_estimated(found, raised))
    sys.exit(1 if found.count("error") else 0)


def _estimates(found: Checked, raised: Raised | None) -> dict[str, object]:
    """Return what the rules will cost and raise; None where that is not known."""
    taken = found.footprint
    return {
        "bytes_per_device": taken and taken.per_device,
        "bytes": taken and taken.total,
        "incidents_per_day": raised and raised.a_day,
        "fired": None if raised is None else dict(raised.by_rule),
        "over_readings": raised and raised.readings,
        "over_ms": raised and raised.span_ms,
    }


def _estimated(found: Checked, raised: Raised | None) -> str:
    taken = found.footprint
    memory = "unknown"
    if taken is not None:
        memory = f"{taken.per_device / 1000:.0f} kB a device at most"
        memory += "" if taken.total is None else f", {taken.total / 1_000_000:.1f} MB for those there are"
    often = "unknown without --online and rules that load"
    if raised is not None:
        over = f"{raised.readings} readings, {format_duration(raised.span_ms // 60_000 * 60_000)}"
        often = f"unknown, too little is stored ({over})" if raised.a_day is None else f"{raised.a_day:.1f} ({over})"
    return f"estimates: memory of windows {memory}; incidents a day {often}"


def _counts(found: Checked) -> dict[str, int]:
    levels = {f"{level}s": found.count(level) for level in ("error", "warning", "note")}
    return {"files": found.files, "rules": found.rules, "devices": found.devices, **levels}
