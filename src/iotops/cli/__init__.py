"""The command line: one file per command group, arguments only, each command calls one function."""

import importlib
import sys
from pathlib import Path

import click

from iotops import settings as settings_file
from iotops.errors import IotopsError

COMMANDS = {
    "api": "iotops.cli.serve:api",
    "audit": "iotops.cli.audit:audit",
    "changes": "iotops.cli.changes:changes",
    "db": "iotops.cli.db:db",
    "deadletter": "iotops.cli.deadletter:deadletter",
    "demo": "iotops.cli.demo:demo",
    "devices": "iotops.cli.devices:devices",
    "doctor": "iotops.cli.doctor:doctor",
    "incidents": "iotops.cli.incidents:incidents",
    "ingest": "iotops.cli.serve:ingest",
    "kpis": "iotops.cli.kpis:kpis",
    "ledger": "iotops.cli.ledger:ledger",
    "notifications": "iotops.cli.notifications:notifications",
    "problems": "iotops.cli.problems:problems",
    "rules": "iotops.cli.rules:rules",
    "sla": "iotops.cli.sla:sla",
    "suppressions": "iotops.cli.suppressions:suppressions",
    "token": "iotops.cli.token:token",
    "up": "iotops.cli.serve:up",
}
"""Command -> where it stands; loaded when asked for, so that `iotops rules check` does not import a web framework."""


class Commands(click.Group):
    """The table above as a click group."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return every command, sorted."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  as above
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101  the table above is ours
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", type=click.Path(path_type=Path), help="Settings file; default: iotops.toml where it exists.")
@click.version_option(package_name="iotops")
@click.pass_context
def iotops(ctx: click.Context, config: Path | None) -> None:
    """Telemetry from IoT devices over MQTT, judged by YAML rules, turned into incidents.

    Settings come from iotops.toml and from IOTOPS_SECTION__KEY variables; `iotops doctor` prints them.
    """
    ctx.obj = config


def load_settings(ctx: click.Context) -> settings_file.Settings:
    """Read the settings of this run, once."""
    return settings_file.load(ctx.find_root().obj)


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
