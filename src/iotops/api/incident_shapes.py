"""What incidents, their timeline and the actions on them look like from outside (CONTRACT: Shapes)."""

from typing import Annotated, Literal

from pydantic import Field

from iotops.api.evidence_shapes import evidence_shape
from iotops.api.shapes import Body, Instant, InstantIn, JsonObject, Line, Shape, Text
from iotops.incidents.incident import Incident
from iotops.incidents.problem import Problem
from iotops.incidents.transitions import allowed_actions
from iotops.store.timeline import StoredEntry

SeverityWord = Literal["info", "warning", "critical"]
StateWord = Literal["new", "in_progress", "on_hold", "resolved", "closed", "cancelled"]
PriorityWord = Literal["P1", "P2", "P3", "P4", "P5"]
Verdict = Literal["real", "false_alarm"]
ProblemWord = Literal["open", "known_error", "resolved", "closed"]
DataWord = Literal["known", "unknown"]


class ProblemBrief(Shape):
    """The problem behind an incident, and what helps until it is gone."""

    number: Annotated[str, Field(examples=["PRB-000001"])]
    title: str
    state: ProblemWord
    workaround: str | None


class IncidentShape(Shape):
    """One incident."""

    number: Annotated[str, Field(examples=["INC-000123"])]
    title: str
    state: StateWord
    data: DataWord = Field(description="unknown: data of an attached alert stopped, so nothing resolves by itself")
    priority: PriorityWord
    priority_reason: JsonObject = Field(description="how impact and urgency gave the priority, and who changed it")
    severity: SeverityWord
    site: str | None
    service: str | None
    device: str | None
    rule: str | None = Field(description="null where a person raised it")
    instance: str | None
    fired_at: Instant | None = Field(description="event time of the first alert")
    raised_at: Instant
    acknowledged_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    assignee: str | None
    team: str | None
    hold_reason: str | None
    hold_until: Instant | None
    resolution_code: str | None
    cause: str | None
    verdict: Verdict | None
    auto: bool = Field(description="the system resolved it and nobody had acknowledged it")
    alert_count: int = Field(description="instances ever attached")
    occurrence_count: int = Field(description="newly stored readings for which the condition was true while firing")
    reopen_count: int
    flapping: bool = Field(description="it came and went too often: held open until quiet lasted")
    recurrence_of: str | None = Field(description="number of the incident before, of the same rule and instance")
    recurrence_count: int = Field(description="the same within 30 days when it was raised, itself included; 0: none")
    problem: ProblemBrief | None = Field(description="what is behind it, where people look for that or know it")
    duplicate_of: str | None
    supplier: str | None = Field(description="who delivers what is missing; null where it is nobody else's")
    merged_into: str | None = Field(description="number of the incident that tells its story now")
    outage: bool = Field(description="its device is out of sight: what lies behind it is listed as suppressed alerts")
    muted_by: str | None = Field(description="the suppression that holds its notices; null while they go out")
    sla: JsonObject | None = Field(
        description="clock -> how it stands: respond, resolve, supplier; null where nothing is promised"
    )
    evidence: JsonObject
    allowed_actions: list[str]
    version: int


class EntryShape(Shape):
    """One thing that happened."""

    seq: int = Field(description="position on the timeline of all incidents; the `id` of stream events")
    at: Instant
    actor: Annotated[str, Field(examples=["system:iotops", "token:ana"])]
    type: str
    data: JsonObject
    incident: str = Field(description="number of the incident")


class Raise(Body):
    """A person raises an incident."""

    title: Annotated[Line, Field(min_length=1)]
    site: Line | None = None
    device: Line | None = None
    severity: SeverityWord = "warning"
    note: Text | None = None


class Change(Body):
    """Fields that people may change; what is left out stays. A verdict may be taken back with null."""

    title: Annotated[Line, Field(min_length=1)] = ""
    priority: PriorityWord = "P5"
    verdict: Verdict | None = None


class Nothing(Body):
    """An action that takes nothing."""


class Assign(Body):
    """Who shall work on it; null takes it from whoever has it, what is left out stays."""

    assignee: Line | None = None
    team: Line | None = None


class Hold(Body):
    """What is waited for, and until when at the longest."""

    reason: Line | None = None
    until: InstantIn | None = None


class Resolve(Body):
    """How it ended."""

    code: Line | None = None
    cause: Line | None = None
    note: Text | None = None
    verdict: Verdict | None = None


class Reopen(Body):
    """Why it is not over."""

    note: Text | None = None


class Cancel(Body):
    """Why it was none."""

    reason: Line | None = None
    duplicate_of: Line | None = None


class Merge(Body):
    """Which incident tells its story from now on."""

    into: Annotated[str, Field(max_length=30, pattern=r"^[A-Za-z0-9-]+$", examples=["INC-000007"])]
    note: Text | None = None


class Split(Body):
    """Why it is an incident of its own."""

    note: Text | None = None


class Comment(Body):
    """A note for the timeline."""

    text: Text = ""
    visibility: Literal["internal", "public"] = "internal"


def incident_shape(incident: Incident, problem: Problem | None = None) -> IncidentShape:
    """Return an incident as clients see it."""
    return IncidentShape.model_validate(
        {
            "number": incident.number,
            "title": incident.title,
            "state": incident.state.value,
            "data": "known" if incident.data_known else "unknown",
            "priority": incident.priority,
            "priority_reason": dict(incident.priority_reason),
            "severity": incident.severity.word,
            "site": incident.site or None,
            "service": incident.service,
            "device": incident.device,
            "rule": incident.rule or None,
            "instance": incident.instance or None,
            "fired_at": incident.fired_ms,
            "raised_at": incident.raised_ms,
            "acknowledged_at": incident.acknowledged_ms,
            "resolved_at": incident.resolved_ms,
            "closed_at": incident.closed_ms,
            "assignee": incident.assignee,
            "team": incident.team,
            "hold_reason": incident.hold_reason,
            "hold_until": incident.hold_until_ms,
            "resolution_code": incident.resolution_code,
            "cause": incident.cause,
            "verdict": incident.verdict,
            "auto": incident.auto,
            "alert_count": incident.alert_count,
            "occurrence_count": incident.occurrence_count,
            "reopen_count": incident.reopen_count,
            "flapping": incident.flapping,
            "recurrence_of": incident.recurrence_of,
            "recurrence_count": incident.recurrence_count,
            "problem": None if problem is None else _brief(problem),
            "duplicate_of": incident.duplicate_of,
            "supplier": incident.supplier,
            "merged_into": incident.merged_into,
            "outage": incident.outage,
            "muted_by": incident.muted_by,
            "sla": None if incident.sla is None else dict(incident.sla),
            "evidence": evidence_shape(incident.evidence),
            "allowed_actions": list(allowed_actions(incident)),
            "version": incident.version,
        }
    )


def _brief(problem: Problem) -> ProblemBrief:
    members = {"number": problem.number, "title": problem.title, "workaround": problem.workaround}
    return ProblemBrief.model_validate({**members, "state": problem.state.value})


def entry_shape(stored: StoredEntry) -> EntryShape:
    """Return a timeline entry as clients see it; what a person wrote stands in `data.text`."""
    entry = stored.entry
    data = dict(entry.data)
    if entry.text is not None:
        data["text"] = entry.text
    if stored.erased:
        data["erased"] = True
    actor = f"{entry.actor.kind}:{entry.actor.id}"
    return EntryShape(seq=stored.seq, at=entry.at_ms, actor=actor, type=entry.type, data=data, incident=stored.number)
