"""/rules/{id}/explain: why a rule fires on a device, why it does not, and when it would."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import Field

from iotops.api.access import Viewer
from iotops.api.context import ContextOf
from iotops.api.problems import Problem, documented
from iotops.api.rule_files import rule_named, rule_set_of
from iotops.api.shapes import InstantIn, Shape
from iotops.rules.authoring.why import as_members
from iotops.rules.compiled import DEVICE
from iotops.rules.rule import Rule
from iotops.store.explanations import explain_instance
from iotops.store.instances import instance_named

router = APIRouter(prefix="/rules", tags=["rules"])

_Name = Annotated[str, Query(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]


class PartShape(Shape):
    """A part of a condition with its value."""

    depth: int = Field(description="0 for the whole condition, one more for each level below")
    text: str
    value: Any = Field(description="number, text, truth, or {from, to}; null: missing or unknown")
    shown: str = Field(description="the value for people; of a comparison, both sides")
    note: str


class ConditionShape(Shape):
    """One condition of the rule."""

    role: str = Field(description="the tier, `until`, `until TIER`, or `unless`")
    text: str
    value: bool | None = Field(description="null: unknown")
    file: str
    line: int
    parts: list[PartShape]


class ResetShape(Shape):
    """The sample before a clock began."""

    metric: str
    at: str
    value: Any


class ClockShape(Shape):
    """A clock that runs."""

    role: str = Field(description="the tier whose `for` runs, or `keep_firing_for`")
    since: str
    duration: str = Field(alias="for")
    due: str
    samples: int
    reset_by: ResetShape | None


class BlockShape(Shape):
    """What keeps the rule from firing, or the alert from resolving."""

    code: str
    message: str


class ComingShape(Shape):
    """A change that would come."""

    supposed: str = Field(alias="if", description="values_stay, or silence: nothing is heard any more")
    at: str
    change: str
    severity: str
    reason: str | None


class ExplanationShape(Shape):
    """Why a rule fires on a device or a group, or why it does not."""

    rule: str
    instance: str
    at: str = Field(description="event time that is explained")
    headline: str
    state: str = Field(description="of the alert; inactive; not_watched: the rule is not about the device")
    severity: str | None
    data: str
    fired_at: str | None
    file: str | None
    line: int | None
    conditions: list[ConditionShape]
    clocks: list[ClockShape]
    blocks: list[BlockShape]
    next: list[ComingShape]
    notes: list[str]


@router.get(
    "/{rule_id}/explain",
    operation_id="explain_rule",
    summary="Explain a rule on a device, or on a group",
    responses=documented("not_found", "conflict"),
)
def explain_rule(
    caller: Viewer,
    context: ContextOf,
    *,
    rule_id: Annotated[str, Path(max_length=200, pattern="^[a-z0-9_]+$")],
    site: Annotated[_Name | None, Query(description="of the device")] = None,
    device: _Name | None = None,
    group: Annotated[
        str | None,
        Query(max_length=500, description="instead, of a rule that has `per`: `site=paris`, `paris`, `fleet`"),
    ] = None,
    at: Annotated[InstantIn | None, Query(description="event time; default: now")] = None,
) -> ExplanationShape:
    """Return the parts of the rule's conditions with their values, its clocks, what is in the way and what would come.

    The rule is that of the files; a note says where the ingest judges by another.
    """
    if site is not None:
        caller.must_see(site, f"device {site}/{device} is not registered")
    rule_set = rule_set_of(context)
    rule = rule_named(rule_set, rule_id)
    name = _name(rule, site, device, group)
    with context.read() as unit:
        key = instance_named(unit, rule, rule_id, name, caller.site)
        found = explain_instance(unit, rule_set, key, context.now_ms(), at)
    return ExplanationShape.model_validate(as_members(found))


def _name(rule: Rule, site: str | None, device: str | None, group: str | None) -> str:
    """Return what the instance is called.

    Raises:
        Problem: neither a device nor a group is named, or both, or a group of a rule that has none.
    """
    if group is None and site is not None and device is not None:
        return f"{site}/{device}"
    if group is None or site is not None or device is not None:
        raise Problem("validation_failed", "name site and device, or, of a rule about groups, the group")
    if rule.per == DEVICE:
        raise Problem("validation_failed", f"{rule.id} is about devices (it has no `per`): name site and device")
    return group
