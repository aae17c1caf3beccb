"""/doctor: whether everything around iotops is in order, as `iotops doctor` says it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import Field

from iotops.api.access import Admin
from iotops.api.context import ContextOf
from iotops.api.shapes import Shape

router = APIRouter(tags=["health"])


class ExaminedShape(Shape):
    """One thing that was looked at."""

    name: str
    level: Literal["ok", "warning", "failed"] = Field(description="failed keeps iotops from its work")
    found: str
    advice: str = Field(description="what to do about it; empty where it is fine")


class ChecksShape(Shape):
    """Everything that was looked at."""

    items: list[ExaminedShape]


@router.get("/doctor", operation_id="check_up", summary="Check everything around iotops")
def get_checks(_: Admin, context: ContextOf) -> ChecksShape:
    """Look at database, disk, secrets, broker, rules, ingest and API; changes nothing. Takes some seconds.

    Empty where this process was given nothing to look with.
    """
    return ChecksShape(
        items=[
            ExaminedShape(name=each.name, level=each.level, found=each.found, advice=each.advice)
            for each in context.check_up()
        ]
    )
