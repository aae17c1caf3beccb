"""What /problems looks like from outside: causes behind incidents, not the problem objects of errors."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from iotops.api.incident_shapes import ProblemWord
from iotops.api.shapes import Body, Instant, Line, Shape, Text
from iotops.incidents.problem import Problem, problem_actions
from iotops.store.incidents import Candidate

IncidentNumber = Annotated[str, Field(max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["INC-000007"])]
Fate = Annotated[
    Literal["leave", "resolve", "close"],
    Field(
        description="what becomes of its incidents: `leave` them linked as they are, `resolve` the open ones with code "
        "`problem`, or `close` what is then resolved, too; one that still fires is never closed"
    ),
]


class ProblemShape(Shape):
    """One problem."""

    number: Annotated[str, Field(examples=["PRB-000001"])]
    title: str
    state: ProblemWord
    root_cause: str | None
    workaround: str | None = Field(description="what helps until the cause is gone")
    owner: str | None
    rule: str | None = Field(description="new incidents of this rule belong to it while it is open or a known error")
    instance: str | None = Field(description="of this instance only; null: of every one of the rule")
    site: str | None = Field(description="of this site only; null: it concerns every site")
    incidents: list[str] = Field(description="numbers, the oldest first, the newest 200; `/incidents?problem=` pages")
    incident_count: int
    opened_at: Instant
    known_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    allowed_actions: list[str]
    version: int


class CandidateShape(Shape):
    """What came back often enough to ask for its cause."""

    rule: str
    instance: str
    site: str | None
    device: str | None
    title: str = Field(description="of the newest incident")
    count: int
    incidents: list[str]
    first_at: Instant
    last_at: Instant


class CandidateKey(Body):
    """Which candidate."""

    rule: Line
    instance: Line


class NewProblem(Body):
    """A problem, made of incidents, of a candidate, or of nothing but its title."""

    title: Annotated[Line, Field(min_length=1)] | None = Field(None, description="may be left out with a candidate")
    root_cause: Text | None = None
    workaround: Text | None = None
    owner: Line | None = None
    rule: Line | None = None
    instance: Line | None = None
    site: Line | None = None
    incidents: Annotated[list[IncidentNumber], Field(max_length=500, default_factory=list)]
    candidate: CandidateKey | None = Field(None, description="takes its rule, instance, site and incidents")


class ProblemChange(Body):
    """Members to change; what is left out stays, null takes it out."""

    title: Annotated[Line, Field(min_length=1)] = ""
    root_cause: Text | None = None
    workaround: Text | None = None
    owner: Line | None = None


class Known(Body):
    """What is known of it now; what is left out stays as it was said before."""

    root_cause: Text | None = None
    workaround: Text | None = None


class Solved(Known):
    """What it was, and what becomes of its incidents."""

    incidents: Fate = "leave"


class Closing(Body):
    """What becomes of its incidents."""

    incidents: Fate = "close"


class Linked(Body):
    """Which incidents."""

    incidents: Annotated[list[IncidentNumber], Field(min_length=1, max_length=500)]


_MOST_NUMBERS = 200


def problem_shape(found: Problem, numbers: Sequence[str]) -> ProblemShape:
    """Return a problem as clients see it, with the numbers of its incidents."""
    members = ("number", "title", "root_cause", "workaround", "owner", "rule", "instance", "site", "version")
    return ProblemShape.model_validate(
        {
            **{name: getattr(found, name) for name in members},
            "state": found.state.value,
            "incidents": list(numbers[-_MOST_NUMBERS:]),
            "incident_count": len(numbers),
            "opened_at": found.opened_ms,
            "known_at": found.known_ms,
            "resolved_at": found.resolved_ms,
            "closed_at": found.closed_ms,
            "allowed_actions": list(problem_actions(found)),
        }
    )


def candidate_shape(found: Candidate) -> CandidateShape:
    """Return a candidate as clients see it."""
    return CandidateShape(
        rule=found.rule,
        instance=found.instance,
        site=found.site,
        device=found.device,
        title=found.title,
        count=len(found.incidents),
        incidents=list(found.incidents),
        first_at=found.first_ms,
        last_at=found.last_ms,
    )
