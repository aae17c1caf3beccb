"""What alerts look like from outside (CONTRACT: Shapes)."""

from pydantic import Field

from iotops.api.evidence_shapes import evidence_shape
from iotops.api.shapes import Instant, JsonObject, Shape
from iotops.store.alerts import KeptAlert


class AlertShape(Shape):
    """One episode of one instance of a rule."""

    id: str
    rule: str
    rule_version: str
    instance: str = Field(examples=["paris/fz-12"])
    site: str | None
    device: str | None
    state: str = Field(description="pending, firing, recovering or resolved")
    data: str = Field(description="known, or unknown while its data has stopped")
    mode: str = Field(description="live, or shadow: its rule is on trial, and it raises no incident")
    suppressed_by: str | None = Field(
        description="the suppression that keeps it back, the device whose incident explains it, or its rule's `unless`"
    )
    waiting: bool = Field(description="its incident waits for a cause to show")
    severity: str
    summary: str
    began_at: Instant = Field(description="event time since which the condition is true")
    fired_at: Instant | None
    resolved_at: Instant | None
    last_true_at: Instant | None = Field(description="event time of the newest reading for which it was true")
    occurrence_count: int
    incident: str | None = Field(description="number of the incident it belongs to")
    evidence: JsonObject
    updated_at: Instant


def alert_shape(kept: KeptAlert) -> AlertShape:
    """Return an alert as clients see it."""
    alert = kept.alert
    return AlertShape(
        id=alert.id,
        rule=alert.key.rule,
        rule_version=alert.rule_version,
        instance=alert.key.instance,
        site=alert.site or None,
        device=None if alert.device is None else alert.device.device,
        state=alert.state.value,
        data="known" if alert.data_known else "unknown",
        mode="shadow" if alert.is_shadow else "live",
        suppressed_by=kept.cause or kept.silenced_by or alert.suppressed_by,
        waiting=kept.waits_ms is not None and kept.incident is None and kept.silenced_by is None,
        severity=alert.severity.word,
        summary=alert.summary,
        began_at=alert.began_ms,
        fired_at=alert.fired_ms,
        resolved_at=alert.resolved_ms,
        last_true_at=alert.last_true_ms,
        occurrence_count=alert.occurrences,
        incident=kept.incident,
        evidence=evidence_shape(alert.evidence),
        updated_at=kept.updated_ms,
    )
