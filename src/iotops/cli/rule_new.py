"""`iotops rules new`: a rule to begin with."""

from pathlib import Path

import click

from iotops.cli.configuration import load_settings
from iotops.errors import ConfigurationError
from iotops.rules.authoring.beginning import begun, with_rule
from iotops.rules.authoring.skeletons import KINDS
from iotops.rules.source.directory import read_sources


@click.command()
@click.argument("name")
@click.option(
    "--kind", type=click.Choice(tuple(KINDS)), default="threshold", show_default=True, help="What it watches."
)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Append it there, not to the screen.")
@click.pass_context
def new(ctx: click.Context, name: str, kind: str, file: Path | None) -> None:
    """Write a rule to begin with, and its passing tests.

    NAME is its id; one that the rules directory has already is refused. With --file the rule is appended to a rule
    file, which keeps all that it has; without, it is printed.
    """
    sources, _ = read_sources(load_settings(ctx).rules.directory)
    if file is None:
        click.echo(begun(name, kind, sources), nl=False)
        return
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    after = with_rule(before, begun(name, kind, {**sources, str(file): before}))
    try:
        file.write_text(after, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--file {file}: {error.strerror}; name a file in a folder that exists") from error
    click.echo(f"{name} stands in {file}; change it, then run `iotops rules test {file}`")
