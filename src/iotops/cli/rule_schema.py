"""`iotops rules schema`: what editors complete and underline by."""

import json
from pathlib import Path

import click

from iotops.errors import ConfigurationError
from iotops.rules.authoring.schemas.device_file import device_schema
from iotops.rules.authoring.schemas.rule_file import rule_schema


@click.command()
@click.option("--devices", is_flag=True, help="The schema of devices.yaml, not of rule files.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there, not to the screen.")
def schema(*, devices: bool, output: Path | None) -> None:
    """Print the JSON Schema of rule files, for editors.

    With `# yaml-language-server: $schema=schema.json` as its first line, a rule file has completion and hover texts in
    every editor that runs the YAML language server.
    """
    text = json.dumps(device_schema() if devices else rule_schema(), ensure_ascii=False, indent=2)
    if output is None:
        click.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"-o {output}: {error.strerror}; name a file in a folder that exists") from error
