"""/rules: what is watched; and a check of rules that are not loaded yet."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field

from iotops.api.access import Author, Viewer
from iotops.api.apart import done_apart
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.problems import Problem, documented
from iotops.api.rule_files import rule_named, rule_set_of, rule_texts
from iotops.api.rule_text import RULE_TEXT_BODY, RuleText
from iotops.api.shapes import Instant, Shape
from iotops.rules.authoring.check import check
from iotops.rules.authoring.rehearse import Result, rehearse
from iotops.rules.authoring.report import explained
from iotops.rules.finding import Finding
from iotops.rules.rulefile import parse_rules
from iotops.store import rules
from iotops.store.rules import LoadedRule

router = APIRouter(prefix="/rules", tags=["rules"])

RuleId = Annotated[str, Path(max_length=200, pattern="^[a-z0-9_]+$")]
_ORDER = "id"
_FILE = "rules.yaml"  # what findings call text that came over the wire


class RuleShape(Shape):
    """One rule as it runs."""

    id: str
    file: str
    line: int
    title: str
    mode: str
    state: str = Field(description="loaded; error: its newest evaluation failed; quarantined; removed")
    error: str | None
    error_count: int
    version: str = Field(description="changes whenever anything of the rule changes")
    loaded_at: Instant
    last_fired_at: Instant | None = Field(description="event time")
    source: str = Field(description="its own lines of YAML")


class FindingShape(Shape):
    """One remark on a rule file."""

    file: str
    line: int
    column: int
    length: int
    level: str
    code: str
    message: str
    hint: str
    text: str = Field(description="as the command line prints it")


class CheckShape(Shape):
    """What `iotops rules check` would say."""

    ok: bool = Field(description="no error among the findings: the file would be loaded")
    rules: list[str] = Field(description="ids of the rules without error")
    findings: list[FindingShape]


class OutcomeShape(Shape):
    """One test of a rule, run."""

    rule: str
    test: str
    line: int
    passed: bool
    explanation: list[str] = Field(description="what was expected, what happened and why; empty where it passed")


class RehearsalShape(Shape):
    """What `iotops rules test` would say."""

    ok: bool = Field(description="no error in the file, and every test passed")
    findings: list[FindingShape] = Field(description="errors of the file; rules with errors are not tested")
    results: list[OutcomeShape]


@router.get("", operation_id="list_rules", summary="List rules")
def list_rules(_: Viewer, context: ContextOf, limit: Limit = 50, cursor: Cursor = None) -> Page[RuleShape]:
    """Return the loaded rules by id, with how they fare."""
    key: tuple[str] | None = decode_cursor(_ORDER, cursor, tuple[CursorText])
    with context.read() as unit:
        found = rules.every(unit)  # hundreds at most: cutting pages out of them here costs nothing
    rest = found if key is None else [rule for rule in found if rule.id > key[0]]
    return page_of(rest[: limit + 1], limit, _shape, lambda rule: encode_cursor(_ORDER, (rule.id,)))


@router.get("/{rule_id}", operation_id="get_rule", summary="Show a rule")
def get_rule(_: Viewer, context: ContextOf, rule_id: RuleId) -> RuleShape:
    """Return one rule, also one that is not loaded any more."""
    with context.read() as unit:
        return _shape(rules.get(unit, rule_id))


@router.post("/check", operation_id="check_rules", summary="Check rules", openapi_extra=RULE_TEXT_BODY)
def check_rules(_: Author, text: RuleText) -> CheckShape:
    """Return every finding on the text of a rule file; nothing is loaded or stored."""
    rule_set = parse_rules({_FILE: text})[0]
    findings = check({_FILE: text})
    ok = not any(finding.level == "error" for finding in findings)
    return CheckShape(ok=ok, rules=sorted(rule_set.rules), findings=[_finding(finding) for finding in findings])


@router.post(
    "/test",
    operation_id="test_rules",
    summary="Test rules",
    openapi_extra=RULE_TEXT_BODY,
    responses=documented("took_too_long"),
)
def rehearse_rules(_: Author, text: RuleText) -> RehearsalShape:
    """Run the tests that stand beside the rules through the engine; nothing is loaded or stored.

    In a process of its own, which is ended after 20 seconds.
    """
    rule_set, findings = parse_rules({_FILE: text})
    if any(_names_file(rule.tests) for rule in rule_set.rules.values()):
        raise Problem("validation_failed", "a test that comes over HTTP cannot name a recording; write its values out")
    errors = [finding for finding in findings if finding.level == "error"]
    return _rehearsal(errors, done_apart(_outcomes, {_FILE: text}, None))


@router.post(
    "/{rule_id}/test",
    operation_id="test_rule",
    summary="Test a rule as it stands in its file",
    responses=documented("took_too_long", "conflict"),
)
def rehearse_rule(_: Author, context: ContextOf, rule_id: RuleId) -> RehearsalShape:
    """Run the tests that stand beside one rule of the rule files; nothing is loaded or stored."""
    rule_named(rule_set_of(context), rule_id)
    return _rehearsal([], done_apart(_outcomes, dict(rule_texts(context)), rule_id))


def _rehearsal(errors: Sequence[Finding], outcomes: Sequence[Mapping[str, Any]]) -> RehearsalShape:
    results = [OutcomeShape(**each) for each in outcomes]
    return RehearsalShape(
        ok=not errors and all(each.passed for each in results),
        findings=[_finding(finding) for finding in errors],
        results=results,
    )


def _outcomes(texts: Mapping[str, str], rule_id: str | None) -> list[dict[str, Any]]:
    """Return the members of the outcome of every test; called in another process."""
    return [_outcome(result) for result in rehearse(parse_rules(texts)[0], rule_id)]


def _names_file(given: Any) -> bool:
    """Say whether a test reads a file: that would be one of the server's."""
    if isinstance(given, Mapping):
        return set(given) == {"file"} or any(_names_file(value) for value in given.values())
    return isinstance(given, list | tuple) and any(_names_file(value) for value in given)


def _outcome(result: Result) -> dict[str, Any]:
    return {
        "rule": result.rule,
        "test": result.test,
        "line": result.position.line,
        "passed": result.passed,
        "explanation": [] if result.passed else explained(result),
    }


def _finding(finding: Finding) -> FindingShape:
    return FindingShape(
        file=finding.position.file,
        line=finding.position.line,
        column=finding.position.column,
        length=finding.length,
        level=finding.level,
        code=finding.code,
        message=finding.message,
        hint=finding.hint,
        text=str(finding),
    )


def _shape(rule: LoadedRule) -> RuleShape:
    return RuleShape(
        id=rule.id,
        file=rule.file,
        line=rule.line,
        title=rule.title,
        mode=rule.mode,
        state=rule.state,
        error=rule.error,
        error_count=rule.error_count,
        version=rule.full_hash,
        loaded_at=rule.loaded_ms,
        last_fired_at=rule.last_fired_ms,
        source=rule.source,
    )
