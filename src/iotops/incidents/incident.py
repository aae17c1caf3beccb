"""The work item of the people, and who may write which of its facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from iotops.rules.rule import Severity


class State(StrEnum):
    """Where the work stands; closed and cancelled are terminal."""

    NEW = "new"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    CANCELLED = "cancelled"


OPEN = frozenset({State.NEW, State.IN_PROGRESS, State.ON_HOLD})
"""States in which somebody still has to do something."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `kind` is system, person or token; `id` names which one."""

    kind: str
    id: str


SYSTEM = Actor("system", "iotops")


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident, all times in Unix milliseconds.

    Attributes:
        number: `INC-000123`; empty until the incident is stored.
        version: 0 for a draft that was not raised yet; grows with every visible change.
        data_known: False while an attached, unresolved alert has lost its data.
        priority_reason: how `priority` came about, readable as it is; `set_by` where a person chose it.
        rule, instance: the alerts that belong here; empty where a person raised the incident.
        rule_version: hash of the rule as it was when it raised the incident.
        alert_id: episode that raised it (see `episode_id`): the same episode cannot raise a second one.
        fired_ms: event time of the first alert. `raised_ms`: when iotops committed the incident.
        cleared_ms: event time at which the last attached alert resolved; None while one is unresolved.
        auto: the system resolved it and nobody had acknowledged it; counts for no response time.
        grace_ms: when a resolution given while an alert was still firing is looked at again.
        grace_spent: that look has reopened the incident once; it does so no second time.
        hold_until_ms: when a hold ends by itself; None: when somebody resumes.
        alert_count: alerts ever attached. `occurrence_count`: stored readings while firing.
        flaps: event times of the resolved -> firing turns within the last hour.
        recurrence_of: number of the previous incident of the same rule and instance (its episode, until that has one).
        recurrence_count: incidents of the same rule and instance within 30 days up to this one, as it was raised.
        problem: number of the problem behind it.
        duplicate_of: number of the incident that tells the same story.
        supplier: who delivers what is missing; None where the fault is nobody's else.
        merged_into: number of the incident that tells its story from then on (its episode, until that has a number).
        outage: its device is out of sight: what lies behind it belongs to this incident as suppressed alerts.
        sla: clocks by kind; None where no policy covers the incident.
        evidence: what the rule saw when the first alert fired.
        verdict: what people found it to be, `real` or `false_alarm`.
        muted_by: the suppression that holds its notices, None while they go out.
    """

    title: str
    severity: Severity
    number: str = ""
    state: State = State.NEW
    version: int = 0
    data_known: bool = True
    priority: str = "P5"
    priority_reason: Mapping[str, Any] = field(default_factory=dict)
    site: str = ""
    service: str | None = None
    device: str | None = None
    rule: str = ""
    rule_version: str | None = None
    instance: str = ""
    alert_id: str | None = None
    fired_ms: int | None = None
    raised_ms: int = 0
    acknowledged_ms: int | None = None
    resolved_ms: int | None = None
    closed_ms: int | None = None
    cleared_ms: int | None = None
    assignee: str | None = None
    team: str | None = None
    hold_reason: str | None = None
    hold_until_ms: int | None = None
    resolution_code: str | None = None
    cause: str | None = None
    verdict: str | None = None
    auto: bool = False
    grace_ms: int | None = None
    grace_spent: bool = False
    alert_count: int = 0
    occurrence_count: int = 0
    reopen_count: int = 0
    flaps: tuple[int, ...] = ()
    flapping: bool = False
    recurrence_of: str | None = None
    recurrence_count: int = 0
    problem: str | None = None
    duplicate_of: str | None = None
    supplier: str | None = None
    merged_into: str | None = None
    outage: bool = False
    sla: Mapping[str, Any] | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    muted_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Say whether somebody still has to do something."""
        return self.state in OPEN


PEOPLE_FIELDS = frozenset({"title", "assignee", "team", "verdict", "duplicate_of"})
"""What only people write. The machine sets them once, when it raises the incident, and never again."""
