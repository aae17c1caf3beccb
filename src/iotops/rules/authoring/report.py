"""Results of rules' tests for people (text) and for CI (JUnit XML)."""

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from iotops.durations import format_duration
from iotops.rules.authoring.expected import Timeline
from iotops.rules.authoring.rehearse import Result
from iotops.rules.authoring.rendering import annotation
from iotops.rules.authoring.why import as_lines
from iotops.wording import counted


def render_text(results: Sequence[Result]) -> str:
    """Return a line for each test, and what differed below those that failed."""
    lines = []
    for result in results:
        lines.append(f"{'ok    ' if result.passed else 'FAILED'} {result.rule}: {result.test}")
        if not result.passed:
            lines += [f"       {line}" for line in explained(result)]
    return "\n".join([*lines, summary(results)])


def summary(results: Sequence[Result]) -> str:
    """Return in one line how the tests went."""
    if not results:
        return "no tests found"
    failed = sum(not result.passed for result in results)
    of_all = f"{counted(len(results), 'test')} of {counted(len({result.rule for result in results}), 'rule')}"
    return f"{failed} of {of_all} failed" if failed else f"{of_all} passed"


def render_github(results: Sequence[Result]) -> str:
    """Return the tests that failed as workflow commands of GitHub Actions, and in a last line how all went."""
    failed = [
        annotation("error", result.position, f"{result.rule}: {result.test}", "\n".join(explained(result)))
        for result in results
        if not result.passed
    ]
    return "\n".join([*failed, summary(results)])


def result_members(result: Result) -> dict[str, object]:
    """Return a result as JSON-able members; `why` holds the lines that explain a failure."""
    return {
        "rule": result.rule,
        "test": result.test,
        "file": result.position.file,
        "line": result.position.line,
        "passed": result.passed,
        "why": [] if result.passed else explained(result),
    }


def junit(results: Sequence[Result]) -> str:
    """Return the results as JUnit XML, a test suite with one case for each test."""
    failed = sum(not result.passed for result in results)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<testsuite name="iotops rules" tests="{len(results)}" failures="{failed}">',
    ]
    for result in results:
        attributes = (
            f"classname={quoteattr(result.rule)} name={quoteattr(result.test)} "
            f'file={quoteattr(result.position.file)} line="{result.position.line}"'
        )
        if result.passed:
            lines.append(f"  <testcase {attributes}/>")
            continue
        text = escape("\n".join(explained(result)))
        lines.append(f'  <testcase {attributes}><failure message="timelines differ">{text}</failure></testcase>')
    return "\n".join([*lines, "</testsuite>", ""])


def explained(result: Result) -> list[str]:
    """Return why a test failed: both timelines, and the values of the rule's expressions where they part."""
    if result.fault:
        return [f"{result.position}: {result.fault}"]
    lines = [f"{result.position}", *_difference(result.expected, result.found)]
    if result.differs_at is not None and result.why is not None:
        instance, at_ms = result.differs_at
        lines.append(f"at {format_duration(at_ms)} on {instance}:")
        lines += as_lines(result.why)
    return lines


def _difference(expected: Timeline, found: Timeline) -> list[str]:
    lines = []
    for instance in {**expected, **found}:
        wanted, got = expected.get(instance, {}), found.get(instance, {})
        for at_ms in sorted({**wanted, **got}):
            one, other = (_entries(side.get(at_ms, ()), wanted.get(at_ms, ())) for side in (wanted, got))
            at = f"{instance} {format_duration(at_ms)}"
            if one == other:
                lines.append(f"  {at}: {one}")
                continue
            lines += [f"- {at}: {one}"] if one else []
            lines += [f"+ {at}: {other}"] if other else []
    return lines or ["nothing was expected, and nothing happened"]


def _entries(entries: Any, wanted: Any) -> str:
    """Return what happened at one time; summaries only where the test lists them."""
    with_summary = any("summary" in entry for entry in wanted)
    return ", then ".join(
        f"{entry['state']} {entry.get('summary', '')!r}" if with_summary else entry["state"] for entry in entries
    )
