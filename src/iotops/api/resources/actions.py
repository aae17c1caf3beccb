"""/incidents/{number}/...: what people do with an incident; which of it is possible now stands in `allowed_actions`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from iotops.api.access import Caller, Operator
from iotops.api.clock_shapes import clocked
from iotops.api.context import Context, ContextOf
from iotops.api.incident_shapes import (
    Assign,
    Cancel,
    Comment,
    Hold,
    IncidentShape,
    Merge,
    Nothing,
    Reopen,
    Resolve,
    Split,
)
from iotops.api.preconditions import IfMatch, given_number
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.resources.incidents import Number, incident_headers, visible_incident
from iotops.incidents.incident import Incident
from iotops.store import incidents
from iotops.store.database import Unit

router = APIRouter(prefix="/incidents/{number}", tags=["incidents"])

_ANSWERS: dict[str, Any] = {
    "response_model": IncidentShape,
    "openapi_extra": {"x-problems": ["illegal_transition", "stale_version"]},
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action as it was asked for: on which incident, by whom, for which version."""

    context: Context
    request: Request
    caller: Caller
    number: str
    key: str | None
    expected_version: int | None

    def once(self, body: BaseModel, work: Callable[[Unit, str], Incident]) -> Response:
        """Do something with an incident that the caller sees, at most once for the same Idempotency-Key."""

        def shown(unit: Unit) -> IncidentShape:
            after = work(unit, visible_incident(unit, self.caller, self.number).number)
            return clocked(unit, self.context, [after])[0]

        asked = Asked(self.request, self.caller, self.key, body)
        return post_once(self.context, asked, shown, headers=incident_headers)

    def do(self, action: str, body: BaseModel, *, note: str | None = None, **details: Any) -> Response:
        """Do it in one transaction, at most once for the same Idempotency-Key; answers with the incident."""

        def work(unit: Unit, number: str) -> Incident:
            return incidents.act(
                unit,
                number,
                action,
                self.caller.actor,
                self.context.now_ms(),
                policy=self.context.policy,
                expected_version=self.expected_version,
                note=note,
                **details,
            )

        return self.once(body, work)


async def _action(
    *,
    request: Request,
    caller: Operator,
    context: ContextOf,
    number: Number,
    key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Action:
    return Action(context, request, caller, number, key, given_number(if_match))


ActionOf = Annotated[Action, Depends(_action)]


@router.post(
    "/acknowledge", operation_id="acknowledge_incident", summary="Acknowledge: somebody has seen it", **_ANSWERS
)
def acknowledge(action: ActionOf, body: Annotated[Nothing, Body(default_factory=Nothing)]) -> Response:
    """Say that somebody has seen it and takes it on; a new incident is in progress then."""
    return action.do("acknowledge", body)


@router.post("/assign", operation_id="assign_incident", summary="Assign: somebody shall work on it", **_ANSWERS)
def assign(action: ActionOf, body: Annotated[Assign, Body(default_factory=Assign)]) -> Response:
    """Set who works on it, a person, a team or both; a new incident is in progress then."""
    return action.do("assign", body, **body.model_dump(exclude_unset=True))


@router.post("/hold", operation_id="hold_incident", summary="Hold: work waits for something", **_ANSWERS)
def hold(action: ActionOf, body: Annotated[Hold, Body(default_factory=Hold)]) -> Response:
    """Put it on hold, until it is resumed or the time given has come."""
    return action.do("hold", body, reason=body.reason, until_ms=body.until)


@router.post("/resume", operation_id="resume_incident", summary="Resume: work goes on", **_ANSWERS)
def resume(action: ActionOf, body: Annotated[Nothing, Body(default_factory=Nothing)]) -> Response:
    """End a hold."""
    return action.do("resume", body)


@router.post("/resolve", operation_id="resolve_incident", summary="Resolve: the work is done", **_ANSWERS)
def resolve(action: ActionOf, body: Annotated[Resolve, Body(default_factory=Resolve)]) -> Response:
    """Say how it ended. Where an alert is still firing, the incident is looked at again after the grace time."""
    return action.do("resolve", body, note=body.note, code=body.code, cause=body.cause, verdict=body.verdict)


@router.post("/reopen", operation_id="reopen_incident", summary="Reopen: it is not over", **_ANSWERS)
def reopen(action: ActionOf, body: Annotated[Reopen, Body(default_factory=Reopen)]) -> Response:
    """Take a resolution back."""
    return action.do("reopen", body, note=body.note)


@router.post("/cancel", operation_id="cancel_incident", summary="Cancel: it was no incident", **_ANSWERS)
def cancel(action: ActionOf, body: Annotated[Cancel, Body(default_factory=Cancel)]) -> Response:
    """End it for good as a duplicate, a false positive or a test."""
    return action.do("cancel", body, reason=body.reason, duplicate_of=body.duplicate_of)


@router.post("/close", operation_id="close_incident", summary="Close: nothing changes any more", **_ANSWERS)
def close(action: ActionOf, body: Annotated[Nothing, Body(default_factory=Nothing)]) -> Response:
    """Close a resolved incident for good."""
    return action.do("close", body)


@router.post(
    "/merge",
    operation_id="merge_incident",
    summary="Merge: another incident tells its story",
    **{**_ANSWERS, "openapi_extra": {"x-problems": ["illegal_transition", "conflict", "stale_version"]}},
)
def merge(action: ActionOf, body: Merge) -> Response:
    """Merge it into another open incident, which gets its alerts; its number leads there from then on."""

    def work(unit: Unit, number: str) -> Incident:
        into = visible_incident(unit, action.caller, body.into).number
        return incidents.merge(
            unit,
            number,
            into,
            action.caller.actor,
            action.context.now_ms(),
            policy=action.context.policy,
            expected_version=action.expected_version,
            note=body.note,
        )

    return action.once(body, work)


@router.post("/split", operation_id="split_incident", summary="Split: it is one of its own again", **_ANSWERS)
def split(action: ActionOf, body: Annotated[Split, Body(default_factory=Split)]) -> Response:
    """Take a merge back; the alerts of its instance belong to it again."""

    def work(unit: Unit, number: str) -> Incident:
        return incidents.split(
            unit,
            number,
            action.caller.actor,
            action.context.now_ms(),
            policy=action.context.policy,
            expected_version=action.expected_version,
            note=body.note,
        )

    return action.once(body, work)


@router.post("/comments", operation_id="comment_incident", summary="Comment", **_ANSWERS)
def comment(action: ActionOf, body: Annotated[Comment, Body(default_factory=Comment)]) -> Response:
    """Write a note on the timeline; comments are possible in every state."""
    return action.do("comment", body, note=body.text or None, visibility=body.visibility)
