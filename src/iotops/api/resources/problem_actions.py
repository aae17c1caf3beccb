"""/problems/{number}/...: what people do with a problem; which of it is possible now stands in `allowed_actions`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from iotops.api.access import Caller, Operator
from iotops.api.context import Context, ContextOf
from iotops.api.incident_shapes import Nothing
from iotops.api.preconditions import IfMatch, given_number
from iotops.api.problem_shapes import Closing, Known, Linked, ProblemShape, Solved
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.resources.incidents import visible_incident
from iotops.api.resources.problems import ProblemNumber, changeable_problem, problem_headers, shown
from iotops.incidents.problem import Problem
from iotops.store import problems
from iotops.store.database import Unit
from iotops.store.problems import Deed, Fate

router = APIRouter(prefix="/problems/{number}", tags=["problems"])

_ANSWERS: dict[str, Any] = {
    "response_model": ProblemShape,
    "openapi_extra": {"x-problems": ["illegal_transition", "conflict", "stale_version"]},
}
_Change = Callable[[Unit, str, list[str], Deed], Problem]


@dataclass(frozen=True, slots=True)
class Action:
    """One action as it was asked for: on which problem, by whom, for which version."""

    context: Context
    request: Request
    caller: Caller
    number: str
    key: str | None
    expected_version: int | None

    def move(self, action: str, body: BaseModel, *, fate: Fate = "leave") -> Response:
        """Move the problem; members of the body that were not said stay as they are."""
        said = body.model_dump(exclude_unset=True, exclude={"incidents"})

        def work(unit: Unit, number: str) -> Problem:
            return problems.act_on_problem(unit, number, action, self._deed(), fate=fate, **said)

        return self._once(body, work)

    def change_links(self, body: Linked, change: _Change) -> Response:
        """Link or unlink incidents that the caller sees."""

        def work(unit: Unit, number: str) -> Problem:
            numbers = [visible_incident(unit, self.caller, each).number for each in body.incidents]
            return change(unit, number, numbers, self._deed())

        return self._once(body, work)

    def _deed(self) -> Deed:
        return Deed(self.caller.actor, self.context.now_ms(), self.context.policy, self.expected_version)

    def _once(self, body: BaseModel, work: Callable[[Unit, str], Problem]) -> Response:
        def done(unit: Unit) -> ProblemShape:
            number = changeable_problem(unit, self.caller, self.number).number
            return shown(unit, self.caller, work(unit, number))

        asked = Asked(self.request, self.caller, self.key, body)
        return post_once(self.context, asked, done, headers=problem_headers)


async def _action(
    *,
    request: Request,
    caller: Operator,
    context: ContextOf,
    number: ProblemNumber,
    key: IdempotencyKey = None,
    if_match: IfMatch = None,
) -> Action:
    return Action(context, request, caller, number, key, given_number(if_match))


ActionOf = Annotated[Action, Depends(_action)]


@router.post("/known-error", operation_id="know_problem", summary="Known error: cause and workaround", **_ANSWERS)
def know(action: ActionOf, body: Annotated[Known, Body(default_factory=Known)]) -> Response:
    """Say that cause and workaround are known; new incidents that match show both from then on."""
    return action.move("known_error", body)


@router.post("/resolve", operation_id="resolve_problem", summary="Resolve: the cause is gone", **_ANSWERS)
def resolve(action: ActionOf, body: Annotated[Solved, Body(default_factory=Solved)]) -> Response:
    """Say that the cause is gone; its incidents stay linked, and resolve or close as well where that is asked for."""
    return action.move("resolve", body, fate=body.incidents)


@router.post("/reopen", operation_id="reopen_problem", summary="Reopen: the cause is not gone", **_ANSWERS)
def reopen(action: ActionOf, body: Annotated[Nothing, Body(default_factory=Nothing)]) -> Response:
    """Take a resolution back."""
    return action.move("reopen", body)


@router.post("/close", operation_id="close_problem", summary="Close: nothing changes any more", **_ANSWERS)
def close(action: ActionOf, body: Annotated[Closing, Body(default_factory=Closing)]) -> Response:
    """Close it for good; its incidents stay linked and close as well, unless asked otherwise or still firing."""
    return action.move("close", body, fate=body.incidents)


@router.post("/link", operation_id="link_incidents", summary="Link incidents", **_ANSWERS)
def link(action: ActionOf, body: Linked) -> Response:
    """Say that it is behind incidents."""
    return action.change_links(body, problems.link_incidents)


@router.post("/unlink", operation_id="unlink_incidents", summary="Unlink incidents", **_ANSWERS)
def unlink(action: ActionOf, body: Linked) -> Response:
    """Say that it is not behind incidents."""
    return action.change_links(body, problems.unlink_incidents)
