"""The command line: one file per command group, arguments only, each command calls one function."""

import sys
from pathlib import Path

import click

from iotops.cli.lazy import LazyGroup
from iotops.errors import IotopsError

COMMANDS = {
    "api": ("iotops.cli.api:api", "Run the API and the console alone; shares only the database with the ingest."),
    "audit": ("iotops.cli.audit:audit", "Check the hash chains of timeline and deeds, and list the deeds."),
    "changes": (
        "iotops.cli.changes:changes",
        "Report and list changes; an incident names those that may have caused it.",
    ),
    "db": ("iotops.cli.db:db", "Upgrade, prune, back up and restore the database."),
    "deadletter": ("iotops.cli.deadletter:deadletter", "List, show and redrive dead letters."),
    "demo": (
        "iotops.cli.demo:demo",
        "Run broker, ingest, rules, API, console and a simulated fleet with faults, all on loopback.",
    ),
    "devices": (
        "iotops.cli.devices:devices",
        "List and show devices, set their labels and lifecycle; give them credentials for the broker.",
    ),
    "doctor": ("iotops.cli.doctor:doctor", "Print the settings and check everything around iotops."),
    "incidents": ("iotops.cli.incidents:incidents", "List and show incidents, and work on them."),
    "ingest": (
        "iotops.cli.ingest:ingest",
        "Run the ingest alone: broker to database, rules, incidents, and the periodic jobs.",
    ),
    "kpis": ("iotops.cli.kpis:kpis", "Show figures about incidents over a period, with the period before."),
    "ledger": (
        "iotops.cli.ledger:ledger",
        "Account for every published message: stored once, a duplicate of a stored one, or dead-lettered.",
    ),
    "notifications": (
        "iotops.cli.notifications:notifications",
        "List notifications, deliver them again, and try channels out.",
    ),
    "problems": (
        "iotops.cli.problems:problems",
        "List and show problems, the causes behind incidents, and work on them.",
    ),
    "rules": ("iotops.cli.rules:rules", "Check, test, backtest and explain rules."),
    "sla": ("iotops.cli.sla:sla", "Compute the clocks of promises again."),
    "suppressions": ("iotops.cli.suppressions:suppressions", "List, add and end maintenance and silences."),
    "token": ("iotops.cli.token:token", "Create, list and revoke API tokens."),
    "up": ("iotops.cli.up:up", "Run ingest and API, supervised, against your own broker and database, until stopped."),
}
"""Command -> where it stands, and the first line of its help."""


@click.group(
    cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.option("--config", type=click.Path(path_type=Path), help="Settings file; default: iotops.toml where it exists.")
@click.version_option(package_name="iotops")
@click.pass_context
def iotops(ctx: click.Context, config: Path | None) -> None:
    """Telemetry from IoT devices over MQTT, judged by YAML rules, turned into incidents.

    Settings come from iotops.toml and from IOTOPS_SECTION__KEY variables; `iotops doctor` prints them.
    """
    ctx.obj = config


def main() -> None:
    """Run the command line: exit status 0 = fine, 1 = findings or a failure, 2 = usage."""
    try:
        sys.exit(iotops.main(standalone_mode=False) or 0)
    except click.UsageError as error:
        hint = f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
        click.echo(f"error: {error.format_message()}{hint}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; there is nobody to tell
        sys.exit(141)
    except IotopsError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
