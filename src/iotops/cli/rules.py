"""`iotops rules`: whether rule files say what their author means, before they are in force."""

import sys
from pathlib import Path

import click

from iotops.cli.output import print_json
from iotops.cli.rule_explain import explain
from iotops.cli.rule_fmt import fmt
from iotops.cli.rule_paths import PATH, RULES_FORMAT, chosen_path
from iotops.cli.rule_schema import schema
from iotops.cli.rule_tests import test
from iotops.clock import monotonic_ms
from iotops.rules.authoring.files import Checked, check_path
from iotops.rules.authoring.rendering import FORMATS, members
from iotops.wording import counted


@click.group()
def rules() -> None:
    """Check, test and explain rules.

    PATH is a file or a directory; default: the setting rules.directory.
    """


@rules.command()
@PATH
@RULES_FORMAT
@click.pass_context
def check(ctx: click.Context, path: Path | None, form: str) -> None:
    """Check rule files and devices.yaml.

    Exit status 1 where one has an error; warnings and notes do not count.
    """
    started_ms = monotonic_ms()
    found = check_path(chosen_path(ctx, path))
    took_ms = monotonic_ms() - started_ms
    if form == "json":
        print_json(_counts(found) | {"duration_ms": took_ms, "findings": [members(each) for each in found.findings]})
    else:
        if found.findings:
            click.echo(FORMATS[form](found.findings) + "\n")
        counts = [counted(count, name.removesuffix("s")) for name, count in _counts(found).items()]
        click.echo(f"{', '.join(counts)} in {took_ms / 1000:.2f} s")
    sys.exit(1 if found.count("error") else 0)


def _counts(found: Checked) -> dict[str, int]:
    levels = {f"{level}s": found.count(level) for level in ("error", "warning", "note")}
    return {"files": found.files, "rules": found.rules, "devices": found.devices, **levels}


rules.add_command(test)
rules.add_command(explain)
rules.add_command(fmt)
rules.add_command(schema)
