"""What the commands about rule files share: which files, and for whom to print."""

from pathlib import Path
from typing import Final

import click

from iotops.cli.configuration import load_settings
from iotops.errors import ConfigurationError
from iotops.rules.authoring.rendering import FORMATS

PATH: Final = click.argument("path", type=click.Path(path_type=Path, exists=True), required=False)
RULES_FORMAT: Final = click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    show_default=True,
    help="For whom to print; github: annotations of a workflow.",
)


def chosen_path(ctx: click.Context, path: Path | None) -> Path:
    """Return the path that was named, else the one in the settings.

    Raises:
        ConfigurationError: the settings name a directory that does not exist.
    """
    if path is not None:
        return path
    directory = load_settings(ctx).rules.directory
    if not directory.exists():
        raise ConfigurationError(f"rules.directory {directory}: does not exist; name a PATH, or set rules.directory")
    return directory
