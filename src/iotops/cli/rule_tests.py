"""`iotops rules test`: the tests that stand beside the rules, and what they would not notice."""

import json
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

import click

from iotops.cli.rule_paths import PATH, RULES_FORMAT, chosen_path
from iotops.errors import ConfigurationError, RuleFileError
from iotops.rules.authoring.files import mutate_path, rehearse_path
from iotops.rules.authoring.mutation.report import (
    mutation_github,
    mutation_junit,
    mutation_members,
    mutation_text,
)
from iotops.rules.authoring.mutation.trial import Fate
from iotops.rules.authoring.rendering import FORMATS, members
from iotops.rules.authoring.report import junit, render_github, render_text, result_members
from iotops.rules.finding import Finding


class _Report(NamedTuple):
    """How it went, in the format asked for and as JUnit XML; `empty` where there was nothing to run."""

    fine: bool
    empty: bool
    shown: str
    xml: str


@click.command()
@PATH
@click.option("-k", "name", metavar="NAME", help="Only tests whose `rule: name` contains this.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML.")
@click.option("--mutate", is_flag=True, help="Change the rules in small ways, and show what no test notices.")
@RULES_FORMAT
@click.pass_context
def test(
    ctx: click.Context, path: Path | None, name: str | None, junit_file: Path | None, *, mutate: bool, form: str
) -> None:
    """Run the tests that stand beside the rules.

    Exit status 1 where one fails, or there is none; with --mutate where a change goes unnoticed.
    """
    try:
        report = (_mutate if mutate else _rehearse)(chosen_path(ctx, path), name, form)
    except RuleFileError as error:
        _refuse([each for each in error.findings if isinstance(each, Finding)], form)
    if junit_file is not None:
        _write(junit_file, report.xml)
    click.echo(report.shown, err=report.empty)
    sys.exit(0 if report.fine else 1)


def _rehearse(path: Path, name: str | None, form: str) -> _Report:
    results = rehearse_path(path, name)
    failed = sum(not result.passed for result in results)
    if form == "json":
        found = [result_members(result) for result in results]
        shown = _line({"tests": len(results), "failed": failed, "results": found})
    else:
        shown = {"text": render_text, "github": render_github}[form](results)
    return _Report(bool(results) and not failed, not results, shown, junit(results))


def _mutate(path: Path, name: str | None, form: str) -> _Report:
    tried = mutate_path(path, name)
    if form == "json":
        shown = _line(mutation_members(tried))
    else:
        shown = {"text": mutation_text, "github": mutation_github}[form](tried)
    fine = bool(tried) and not any(rule.fault or rule.count(Fate.SURVIVED) for rule in tried)
    return _Report(fine, not tried, shown, mutation_junit(tried))


def _refuse(findings: list[Finding], form: str) -> NoReturn:
    if form == "json":
        click.echo(_line({"findings": [members(each) for each in findings]}))
    else:
        click.echo(FORMATS[form](findings) + "\n")
        click.echo("error: no test was run, the rule files have errors; correct them first", err=True)
    sys.exit(1)


def _line(found: object) -> str:
    return json.dumps(found, ensure_ascii=False, default=str)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--junit {file}: {error.strerror}; name a file in a folder that exists") from error
