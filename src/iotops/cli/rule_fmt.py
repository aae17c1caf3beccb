"""`iotops rules fmt`: the one way in which rule files are written."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NoReturn

import click

from iotops.cli.rule_paths import PATH, chosen_path
from iotops.errors import ConfigurationError, RuleFileError
from iotops.rules.authoring.formatting.run import format_sources
from iotops.rules.authoring.rendering import as_text
from iotops.rules.finding import Finding
from iotops.rules.source.directory import read_sources
from iotops.wording import counted


@click.command()
@PATH
@click.option("--check", is_flag=True, help="Only list the files that would change; exit status 1 where there are any.")
@click.option("--diff", is_flag=True, help="Only show what would change.")
@click.pass_context
def fmt(ctx: click.Context, path: Path | None, *, check: bool, diff: bool) -> None:
    """Write rule files in their canonical form.

    Keys in the order of the documentation, two blanks of indentation, quotes where YAML needs them, blanks around
    operators. Comments stay, and so does what the rules mean: files with errors are refused.
    """
    sources, unreadable = read_sources(chosen_path(ctx, path))
    if unreadable:
        _refuse(unreadable)
    try:
        found = format_sources(sources)
    except RuleFileError as error:
        _refuse([each for each in error.findings if isinstance(each, Finding)])
    changed = [name for name in found if found[name] != sources[name]]
    for name in changed:
        if diff:
            click.echo(_difference(name, sources[name], found[name]), nl=False)
        elif check:
            click.echo(f"{name} is not in the canonical form")
        else:
            _write(Path(name), found[name])
            click.echo(f"formatted {name}")
    done = "would change" if check or diff else "changed"
    click.echo(f"{counted(len(changed), 'file')} of {len(found)} {done}", err=diff)
    sys.exit(1 if check and changed else 0)


def _refuse(findings: Sequence[Finding]) -> NoReturn:
    click.echo(as_text(findings) + "\n")
    click.echo("error: nothing was formatted, the rule files have errors; correct them first", err=True)
    sys.exit(1)


def _difference(name: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (formatted)", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _write(file: Path, text: str) -> None:
    """Put the new file in the old one's place at once: a running ingest never reads half of it."""
    target = file.resolve()
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=target.parent, prefix=".fmt", delete=False
        ) as new:
            new.write(text)
        Path(new.name).chmod(target.stat().st_mode)
        Path(new.name).replace(target)
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}; make the file and its folder writable") from error
