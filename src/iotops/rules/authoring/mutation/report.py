"""What became of mutants, for people, for programs, for the annotations of a code review, and for CI."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from iotops.rules.authoring.mutation.trial import Fate, Tried, Verdict
from iotops.rules.authoring.rendering import annotation
from iotops.wording import counted


def mutation_text(tried: Sequence[Tried]) -> str:
    """Return a line for each rule, the mutants that no test tells apart below it, and a last line for all."""
    lines: list[str] = []
    for rule in tried:
        lines.append(f"{rule.rule}: {rule.fault or _counts([rule])}")
        for verdict in rule.verdicts:
            if verdict.fate is not Fate.KILLED:
                lines.append(f"  {_headline(verdict)}")
                lines += [f"    {line}" for line in verdict.lines]
    return "\n".join([*lines, _summary(tried)])


def mutation_members(tried: Sequence[Tried]) -> dict[str, object]:
    """Return everything as JSON-able members."""
    return {
        "mutants": sum(len(rule.verdicts) for rule in tried),
        **{fate.value: sum(rule.count(fate) for rule in tried) for fate in Fate},
        "rules": [
            {
                "rule": rule.rule,
                "file": rule.position.file,
                "line": rule.position.line,
                "fault": rule.fault,
                **{fate.value: rule.count(fate) for fate in Fate},
                "mutants": [_members(verdict) for verdict in rule.verdicts],
            }
            for rule in tried
        ],
    }


def mutation_github(tried: Sequence[Tried]) -> str:
    """Return every survivor, and every rule that could not be tried, as a workflow command of GitHub Actions."""
    found = [annotation("error", rule.position, rule.rule, rule.fault) for rule in tried if rule.fault]
    found += [
        annotation("error", verdict.position, rule.rule, "\n".join([_headline(verdict, where=False), *verdict.lines]))
        for rule, verdict in _survivors(tried)
    ]
    return "\n".join([*found, _summary(tried)])


def mutation_junit(tried: Sequence[Tried]) -> str:
    """Return the mutants as JUnit XML: a suite with a case for each, survivors being failures."""
    cases = [(rule, verdict) for rule in tried for verdict in rule.verdicts]
    failures = len(list(_survivors(tried)))
    errors = [rule for rule in tried if rule.fault]
    counts = f'tests="{len(cases) + len(errors)}" failures="{failures}" errors="{len(errors)}"'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuite name="iotops rules mutants" {counts}>']
    lines += [
        f'  <testcase classname={quoteattr(rule.rule)} name="own tests">'
        f"<error message={quoteattr(rule.fault)}/></testcase>"
        for rule in errors
    ]
    for rule, verdict in cases:
        name = quoteattr(f"{verdict.position.line}:{verdict.position.column} {verdict.what}")
        lines.append(f"  <testcase classname={quoteattr(rule.rule)} name={name}>{_failure(verdict)}</testcase>")
    return "\n".join([*lines, "</testsuite>", ""])


def _failure(verdict: Verdict) -> str:
    if verdict.fate is not Fate.SURVIVED:
        return ""
    return f'<failure message="no test tells it apart">{escape(chr(10).join(verdict.lines))}</failure>'


def _survivors(tried: Sequence[Tried]) -> Iterator[tuple[Tried, Verdict]]:
    for rule in tried:
        yield from ((rule, verdict) for verdict in rule.verdicts if verdict.fate is Fate.SURVIVED)


def _headline(verdict: Verdict, *, where: bool = True) -> str:
    place = f"{verdict.position}: " if where else ""
    return f"{verdict.fate} {place}{verdict.what}" + (f"; {verdict.why}" if verdict.why else "")


def _counts(tried: Sequence[Tried]) -> str:
    mutants = counted(sum(len(rule.verdicts) for rule in tried), "mutant")
    return f"{mutants}, " + ", ".join(f"{sum(rule.count(fate) for rule in tried)} {fate}" for fate in Fate)


def _summary(tried: Sequence[Tried]) -> str:
    if not tried:
        return "no rules found"
    return f"{counted(len(tried), 'rule')}: {_counts(tried)}"


def _members(verdict: Verdict) -> dict[str, object]:
    return {
        "what": verdict.what,
        "line": verdict.position.line,
        "column": verdict.position.column,
        "diff": list(verdict.lines),
        "fate": verdict.fate.value,
        "why": verdict.why,
    }
