"""What changes and suspects look like from outside."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from iotops.api.entry_work import EntryId, Said
from iotops.api.shapes import Body, Instant, InstantIn, Shape
from iotops.incidents.change import Change
from iotops.incidents.suspects import Suspect

KindWord = Literal["firmware", "config", "deploy", "supplier"]
ChangeState = Literal["planned", "in_progress", "done", "cancelled"]
_Labels = Annotated[dict[EntryId, Said], Field(max_length=20)]


class TargetShape(Body):
    """What a change is aimed at: what has all of the members that are given."""

    site: EntryId | None = None
    device: EntryId | None = Field(None, description="needs `site`")
    service: EntryId | None = None
    supplier: EntryId | None = None
    labels: _Labels = Field(default_factory=dict)


class ChangeShape(Shape):
    """One change."""

    number: Annotated[str, Field(examples=["CHG-000123"])]
    kind: KindWord
    title: str
    state: ChangeState
    target: TargetShape
    source: str = Field(description="`status`: devices told of it themselves; else who or what reported it")
    device_count: int = Field(description="devices that told of it themselves")
    started_at: Instant
    ended_at: Instant | None
    updated_at: Instant
    version: int


class NewChange(Body):
    """A change that somebody, or a deployment script, reports."""

    kind: KindWord
    title: Annotated[Said, Field(min_length=1)]
    target: TargetShape
    started_at: InstantIn | None = Field(None, description="default: now")
    ended_at: InstantIn | None = None
    state: ChangeState | None = Field(
        None, description="default: done with `ended_at`, planned where it starts later, else in_progress"
    )
    source: Said | None = Field(None, description="what reports it; default: the token's name")

    @model_validator(mode="after")
    def _aimed(self) -> Self:
        target = self.target
        if target.device is not None and target.site is None:
            msg = "target: a device needs its site"
            raise ValueError(msg)
        if not any((target.site, target.service, target.supplier, target.labels)):
            msg = "target: expected site, device, service, supplier or labels, found none; say what was changed"
            raise ValueError(msg)
        return self


class PatchedChange(Body):
    """What became of a change; null takes an end back."""

    title: Said | None = None
    state: ChangeState | None = None
    started_at: InstantIn | None = None
    ended_at: InstantIn | None = None


class SuspectShape(Shape):
    """A change that may have caused an incident."""

    change: ChangeShape
    score: float = Field(description="0 to 1; to be compared with the other suspects of the incident only")
    reasons: list[str] = Field(description="why, in words: how near, how long before, how many it touches")


class MarkCause(Body):
    """The change that somebody holds for the cause."""

    change: Annotated[Said, Field(examples=["CHG-000123"])]
    note: Said | None = None


def change_shape(found: Change) -> ChangeShape:
    """Return a change as clients see it."""
    target = found.target
    return ChangeShape(
        number=found.number,
        kind=found.kind,  # type: ignore[arg-type]  # the table holds no others
        title=found.title,
        state=found.state,  # type: ignore[arg-type]  # as above
        target=TargetShape.model_construct(
            site=target.site,
            device=target.device,
            service=target.service,
            supplier=target.supplier,
            labels=dict(target.labels),
        ),
        source=found.source,
        device_count=found.device_count,
        started_at=found.started_ms,
        ended_at=found.ended_ms,
        updated_at=found.updated_ms,
        version=found.version,
    )


def suspect_shape(found: Suspect) -> SuspectShape:
    """Return a suspect as clients see it."""
    return SuspectShape(change=change_shape(found.change), score=found.score, reasons=list(found.reasons))
