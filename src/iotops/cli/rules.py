"""`iotops rules`: whether rule files say what their author means, before they are in force."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from iotops.cli import load_settings
from iotops.cli.output import FORMAT, print_json
from iotops.clock import monotonic_ms
from iotops.errors import ConfigurationError, RuleFileError
from iotops.rules.authoring.files import Checked, check_path, rehearse_path
from iotops.rules.authoring.rehearse import Result
from iotops.rules.authoring.rendering import FORMATS, as_text, members
from iotops.rules.authoring.report import explained, junit, render_text
from iotops.rules.finding import Finding

_PATH = click.argument("path", type=click.Path(path_type=Path, exists=True), required=False)


@click.group()
def rules() -> None:
    """Check and test rule files.

    PATH is a file or a directory; default: the setting rules.directory.
    """


@rules.command()
@_PATH
@click.option(
    "--format",
    "form",
    type=click.Choice(tuple(FORMATS)),
    default="text",
    show_default=True,
    help="For whom to print; github: annotations of a workflow.",
)
@click.pass_context
def check(ctx: click.Context, path: Path | None, form: str) -> None:
    """Check rule files and devices.yaml.

    Exit status 1 where one has an error; warnings and notes do not count.
    """
    started_ms = monotonic_ms()
    found = check_path(_path(ctx, path))
    took_ms = monotonic_ms() - started_ms
    if form == "json":
        print_json(_counts(found) | {"duration_ms": took_ms, "findings": [members(each) for each in found.findings]})
    else:
        if found.findings:
            click.echo(FORMATS[form](found.findings) + "\n")
        click.echo(
            ", ".join(f"{count} {name}" for name, count in _counts(found).items()) + f" in {took_ms / 1000:.2f} s"
        )
    sys.exit(1 if found.count("error") else 0)


@rules.command()
@_PATH
@click.option("-k", "name", metavar="NAME", help="Only tests whose `rule: name` contains this.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML.")
@FORMAT
@click.pass_context
def test(ctx: click.Context, path: Path | None, name: str | None, junit_file: Path | None, form: str) -> None:
    """Run the tests that stand beside the rules.

    Exit status 1 where one fails, or there is none.
    """
    try:
        results = rehearse_path(_path(ctx, path), name)
    except RuleFileError as error:
        _refuse([each for each in error.findings if isinstance(each, Finding)], form)
    if junit_file is not None:
        _write(junit_file, junit(results))
    if form == "json":
        print_json({"tests": len(results), "failed": _failed(results), "results": [_members(each) for each in results]})
    else:
        click.echo(render_text(results), err=not results)
    sys.exit(1 if _failed(results) or not results else 0)


def _path(ctx: click.Context, path: Path | None) -> Path:
    if path is not None:
        return path
    directory = load_settings(ctx).rules.directory
    if not directory.exists():
        raise ConfigurationError(f"rules.directory {directory}: does not exist; name a PATH, or set rules.directory")
    return directory


def _counts(found: Checked) -> dict[str, int]:
    levels = {f"{level}s": found.count(level) for level in ("error", "warning", "note")}
    return {"files": found.files, "rules": found.rules, "devices": found.devices, **levels}


def _refuse(findings: Sequence[Finding], form: str) -> None:
    if form == "json":
        print_json({"findings": [members(each) for each in findings]})
    else:
        click.echo(as_text(findings) + "\n")
        click.echo("error: no test was run, the rule files have errors; correct them first", err=True)
    sys.exit(1)


def _failed(results: Sequence[Result]) -> int:
    return sum(not result.passed for result in results)


def _members(result: Result) -> dict[str, object]:
    at = result.position
    why = [] if result.passed else explained(result)
    return {
        "rule": result.rule,
        "test": result.test,
        "file": at.file,
        "line": at.line,
        "passed": result.passed,
        "why": why,
    }


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--junit {file}: {error.strerror}; name a file in a folder that exists") from error
