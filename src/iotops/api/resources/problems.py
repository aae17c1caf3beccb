"""/problems: the causes behind incidents, and what proposes to look for one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from iotops.api.access import Caller, Operator, Viewer
from iotops.api.context import ContextOf
from iotops.api.incident_shapes import EntryShape, ProblemWord, entry_shape
from iotops.api.paging import Cursor, CursorNumber, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.preconditions import IfMatch, etag, required_number
from iotops.api.problem_shapes import (
    CandidateKey,
    CandidateShape,
    NewProblem,
    ProblemChange,
    ProblemShape,
    candidate_shape,
    problem_shape,
)
from iotops.api.problems import Problem as Refusal
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.resources.incidents import visible_incident
from iotops.api.shapes import Line
from iotops.errors import Conflict
from iotops.incidents.problem import Problem
from iotops.store import incidents, problems, timeline
from iotops.store.database import Unit
from iotops.store.incidents import Candidate
from iotops.store.problems import Deed, ProblemFilter

router = APIRouter(prefix="/problems", tags=["problems"])

ProblemNumber = Annotated[str, Path(max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["PRB-000001"])]
Names = Annotated[list[Line], Field(max_length=100)]
_ORDER = "-number"
_ENTRY_ORDER = "seq"


class Wanted(BaseModel):
    """Which problems to list; a filter given more than once accepts each of its values."""

    state: list[ProblemWord] = []
    rule: Names = []
    site: Names = []
    owner: Names = []
    q: Line | None = Field(None, description="part of number, title, root cause or workaround")
    limit: Limit = 50
    cursor: Cursor = None


@router.get("", operation_id="list_problems", summary="List problems")
def list_problems(caller: Viewer, context: ContextOf, wanted: Annotated[Wanted, Query()]) -> Page[ProblemShape]:
    """Return problems, the newest first."""
    after: tuple[int] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorNumber])
    named = {name: tuple(getattr(wanted, name)) for name in ("state", "rule", "site", "owner")}
    chosen = ProblemFilter(**named, q=wanted.q or None, only_site=caller.site)
    with context.read() as unit:
        found = problems.problem_page(unit, chosen, limit=wanted.limit + 1, after=after and after[0])
        numbers = problems.linked_numbers(unit, {each.number for each in found}, site=caller.site)
    return page_of(
        found,
        wanted.limit,
        lambda each: problem_shape(each, numbers[each.number]),
        lambda each: encode_cursor(_ORDER, (problems.problem_id(each.number),)),
    )


@router.post(
    "",
    status_code=201,
    response_model=ProblemShape,
    operation_id="open_problem",
    summary="Open a problem",
    openapi_extra={"x-problems": ["conflict"]},
)
def open_problem(
    request: Request, caller: Operator, context: ContextOf, body: NewProblem, key: IdempotencyKey = None
) -> Response:
    """Open a problem behind incidents, or of a candidate with all its incidents."""
    site = body.site or caller.site
    if not caller.sees(site):
        raise Refusal("forbidden", f"the token is for site {caller.site!r} only; open the problem there")

    def work(unit: Unit) -> ProblemShape:
        draft, numbers = _draft(unit, caller, context.now_ms(), body)
        deed = Deed(caller.actor, context.now_ms(), context.policy)
        return shown(unit, caller, problems.create_problem(unit, draft, numbers, deed))

    return post_once(context, Asked(request, caller, key, body), work, 201, headers=_created_headers)


@router.get("/candidates", operation_id="list_problem_candidates", summary="List what keeps coming back")
def list_candidates(
    caller: Viewer, context: ContextOf, limit: Limit = 50, cursor: Cursor = None
) -> Page[CandidateShape]:
    """Return what came three times or more within 30 days by one rule on one device, and no live problem covers."""
    after: tuple[int] | None = decode_cursor(_ORDER, cursor, tuple[CursorNumber])
    sites = () if caller.site is None else (caller.site,)
    with context.read() as unit:
        found = incidents.candidates(unit, context.now_ms(), sites=sites, after=after and after[0], limit=limit + 1)
    return page_of(found, limit, candidate_shape, lambda each: encode_cursor(_ORDER, (each.newest_id,)))


@router.get("/{number}", operation_id="get_problem", summary="Show a problem")
def get_problem(response: Response, caller: Viewer, context: ContextOf, number: ProblemNumber) -> ProblemShape:
    """Return one problem; the ETag goes into If-Match with a change."""
    with context.read() as unit:
        found = visible_problem(unit, caller, number)
        shape = shown(unit, caller, found)
    response.headers["ETag"] = etag(found.version)
    return shape


@router.get("/{number}/timeline", operation_id="get_problem_timeline", summary="What happened to a problem")
def get_problem_timeline(
    caller: Viewer, context: ContextOf, number: ProblemNumber, limit: Limit = 50, cursor: Cursor = None
) -> Page[EntryShape]:
    """Return what its incidents' timelines tell of it, oldest first: linked, worked on, unlinked."""
    after: tuple[int] | None = decode_cursor(_ENTRY_ORDER, cursor, tuple[CursorNumber])
    with context.read() as unit:
        found = visible_problem(unit, caller, number)
        told = timeline.of_problem(
            unit, found.number, after=0 if after is None else after[0], limit=limit + 1, site=caller.site
        )
    return page_of(told, limit, entry_shape, lambda each: encode_cursor(_ENTRY_ORDER, (each.seq,)))


@router.patch(
    "/{number}",
    operation_id="change_problem",
    summary="Change a problem",
    openapi_extra={"x-problems": ["precondition_required", "stale_version", "illegal_transition", "conflict"]},
)
def change_problem(
    *,
    response: Response,
    caller: Operator,
    context: ContextOf,
    number: ProblemNumber,
    body: ProblemChange,
    if_match: IfMatch = None,
) -> ProblemShape:
    """Change title, root cause, workaround or owner."""
    expected = required_number(if_match)

    def work(unit: Unit) -> ProblemShape:
        found = changeable_problem(unit, caller, number)
        deed = Deed(caller.actor, context.now_ms(), context.policy, expected)
        said = body.model_dump(exclude_unset=True)
        return shown(unit, caller, problems.act_on_problem(unit, found.number, "edit", deed, **said))

    changed = context.write(work)
    response.headers["ETag"] = etag(changed.version)
    return changed


def visible_problem(unit: Unit, caller: Caller, number: str) -> Problem:
    """Return a problem that the caller may see: of its site, or of every site.

    Raises:
        NotFound: there is none, or it is another site's.
    """
    found = problems.get_problem(unit, number)
    if found.site is not None:
        caller.must_see(found.site, f"problem {number!r} does not exist")
    return found


def changeable_problem(unit: Unit, caller: Caller, number: str) -> Problem:
    """Return a problem that the caller may change.

    Raises:
        NotFound: as `visible_problem`.
        Refusal: forbidden; it concerns every site, and the token is for one.
    """
    found = visible_problem(unit, caller, number)
    if not caller.sees(found.site):
        raise Refusal("forbidden", f"the token is for site {caller.site!r} only; {found.number} concerns every site")
    return found


def shown(unit: Unit, caller: Caller, found: Problem) -> ProblemShape:
    """Return a problem as the caller sees it: with the incidents of its site."""
    numbers: Sequence[str] = problems.linked_numbers(unit, [found.number], site=caller.site)[found.number]
    return problem_shape(found, numbers)


def problem_headers(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what goes with a problem: its ETag, and where it is."""
    return {"ETag": etag(body["version"]), "Content-Location": f"/api/v1/problems/{body['number']}"}


def _created_headers(body: Mapping[str, Any]) -> dict[str, str]:
    found = problem_headers(body)
    return {**found, "Location": found["Content-Location"]}


def _draft(unit: Unit, caller: Caller, now_ms: int, body: NewProblem) -> tuple[Problem, list[str]]:
    """Return the problem that a body asks for, and the numbers of its incidents."""
    members = body.model_dump(include={"root_cause", "workaround", "owner", "rule", "instance"})
    members["site"] = body.site or caller.site
    numbers, title = [visible_incident(unit, caller, each).number for each in body.incidents], body.title
    if body.candidate is not None:
        found = _candidate(unit, caller, now_ms, body.candidate)
        members.update(rule=found.rule, instance=found.instance, site=found.site)
        title = title or f"{found.rule} on {found.instance} keeps coming back"
        numbers = list(dict.fromkeys([*found.incidents, *numbers]))
    if not title:
        raise _invalid("body.title", "expected a title, or a candidate to take it from")
    if members["instance"] and not members["rule"]:
        raise _invalid("body.instance", "expected rule beside instance")
    return Problem(title, **members), numbers


def _candidate(unit: Unit, caller: Caller, now_ms: int, key: CandidateKey) -> Candidate:
    sites = () if caller.site is None else (caller.site,)
    found = incidents.candidates(unit, now_ms, sites=sites, of=(key.rule, key.instance), limit=1)
    if not found:
        msg = f"{key.rule} on {key.instance} is no candidate, or a problem covers it already; see /problems/candidates"
        raise Conflict(msg)
    return found[0]


def _invalid(place: str, detail: str) -> Refusal:
    return Refusal("validation_failed", f"{place}: {detail}", errors=[{"place": place, "detail": detail}])
