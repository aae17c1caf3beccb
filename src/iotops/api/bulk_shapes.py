"""One action on many incidents, as it is asked for and answered."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from iotops.api.incident_shapes import Assign, Cancel, Comment, Hold, IncidentShape, Nothing, Reopen, Resolve
from iotops.api.resources.incidents import Filtered
from iotops.api.shapes import Body, JsonObject, Shape

MOST = 200
_Number = Annotated[str, Field(max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["INC-000123"])]


class Chosen(Filtered):
    """All incidents that a list with these filters has."""

    model_config = ConfigDict(extra="forbid")


class Many(Body):
    """Which incidents: either named, or all that pass a filter; and how many its author believes these to be."""

    numbers: Annotated[list[_Number], Field(max_length=MOST, default_factory=list)]
    filter: Chosen | None = None
    expected_count: Annotated[int, Field(ge=0, le=MOST, description="where there are more or fewer, nothing is done")]

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if bool(self.numbers) == (self.filter is not None):
            msg = "give either numbers or filter: which incidents are meant"
            raise ValueError(msg)
        return self

    @property
    def details(self) -> dict[str, Any]:
        """Return the action's own members as the store takes them."""
        own = self.model_dump(exclude_unset=True, exclude={"action", *Many.model_fields})
        found = {_NAMES.get(name, name): value for name, value in own.items()}
        return {**found, "note": found.get("note") or None}


_NAMES = {"until": "until_ms", "text": "note"}


class AcknowledgeMany(Nothing, Many):
    """Somebody has seen them."""

    action: Literal["acknowledge"]


class AssignMany(Assign, Many):
    """Somebody shall work on them."""

    action: Literal["assign"]


class HoldMany(Hold, Many):
    """Work on them waits."""

    action: Literal["hold"]


class ResumeMany(Nothing, Many):
    """Work on them goes on."""

    action: Literal["resume"]


class ResolveMany(Resolve, Many):
    """They ended."""

    action: Literal["resolve"]


class ReopenMany(Reopen, Many):
    """They are not over."""

    action: Literal["reopen"]


class CancelMany(Cancel, Many):
    """They were none."""

    action: Literal["cancel"]


class CloseMany(Nothing, Many):
    """Nothing changes about them any more."""

    action: Literal["close"]


class CommentMany(Comment, Many):
    """A note on each."""

    action: Literal["comment"]


AnyAction = Annotated[
    AcknowledgeMany
    | AssignMany
    | HoldMany
    | ResumeMany
    | ResolveMany
    | ReopenMany
    | CancelMany
    | CloseMany
    | CommentMany,
    Field(discriminator="action"),
]


class DoneShape(Shape):
    """What became of one incident."""

    number: str
    status: int = Field(description="as the action on this incident alone would have answered: 200, 404 or 409")
    incident: IncidentShape | None = Field(description="as it is now; null where it was refused")
    problem: JsonObject | None = Field(description="why it was refused, as RFC 9457 has it; null where it was done")


class BulkShape(Shape):
    """What became of each, in the order asked for."""

    done: int
    refused: int
    items: list[DoneShape]
