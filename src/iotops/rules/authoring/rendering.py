"""Findings for people, for programs, and for the annotations of a code review."""

import json
from collections.abc import Callable, Mapping, Sequence

from iotops.rules.finding import Finding
from iotops.rules.rule import Position


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings with their lines and carets, a blank line between two."""
    return "\n\n".join(str(finding) for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings as a JSON list; columns count from 1, `end_column` is behind the last character."""
    return json.dumps([members(finding) for finding in findings], ensure_ascii=False, indent=2)


def as_github(findings: Sequence[Finding]) -> str:
    """Return the findings as workflow commands of GitHub Actions, one a line."""
    return "\n".join(_command(finding) for finding in findings)


def members(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON-able members; columns count from 1, `end_column` is behind the last character."""
    return {
        "file": finding.position.file,
        "line": finding.position.line,
        "column": finding.position.column,
        "end_column": finding.position.column + finding.length,
        "level": finding.level,
        "code": finding.code,
        "message": finding.message,
        "hint": finding.hint,
    }


def annotation(level: str, position: Position, title: str, text: str) -> str:
    """Return a workflow command of GitHub Actions that marks a line; levels: error, warning, notice."""
    place = f"file={_property(position.file)},line={position.line},col={position.column},title={_property(title)}"
    return f"::{level} {place}::{_message(text)}"


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = {"text": as_text, "json": as_json, "github": as_github}


def _command(finding: Finding) -> str:
    level = "notice" if finding.level == "note" else finding.level
    at = finding.position
    end = at.column + finding.length
    place = f"file={_property(at.file)},line={at.line},col={at.column},endColumn={end},title={_property(finding.code)}"
    text = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
    return f"::{level} {place}::{_message(text)}"


def _message(text: str) -> str:
    """Escape as the workflow commands' own toolkit does."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
