"""Every table, in one place: `tables.incident`, `tables.device`, ... and `tables.METADATA`.

Times are integer Unix milliseconds in BIGINT columns that end in `_ms`; truth values are Boolean; structured values
are JSON text without NaN. A change here needs a migration beside it: `tests/store` compares the two.
"""

from iotops.store.tables.alerts import alert, attempt, rule
from iotops.store.tables.changes import change, change_device
from iotops.store.tables.columns import METADATA
from iotops.store.tables.deeds import deed, deed_head
from iotops.store.tables.incidents import incident, timeline, timeline_head, timeline_text
from iotops.store.tables.notices import notice, outbox, reminder
from iotops.store.tables.problems import problem
from iotops.store.tables.promises import calendar, sla_clock, sla_edition, sla_policy
from iotops.store.tables.service import (
    api_token,
    engine_slot,
    figure,
    heartbeat,
    idempotency,
    ingest_state,
    rule_edition,
)
from iotops.store.tables.status import service_span, service_state
from iotops.store.tables.suppressions import suppression
from iotops.store.tables.telemetry import arrival, block, dead_letter, device, numbering, presence, rollup, watermark
from iotops.store.tables.topology import dependency, service, site, supplier, topology_head
from iotops.store.tables.views import saved_view

__all__ = [
    "METADATA",
    "alert",
    "api_token",
    "arrival",
    "attempt",
    "block",
    "calendar",
    "change",
    "change_device",
    "dead_letter",
    "deed",
    "deed_head",
    "dependency",
    "device",
    "engine_slot",
    "figure",
    "heartbeat",
    "idempotency",
    "incident",
    "ingest_state",
    "notice",
    "numbering",
    "outbox",
    "presence",
    "problem",
    "reminder",
    "rollup",
    "rule",
    "rule_edition",
    "saved_view",
    "service",
    "service_span",
    "service_state",
    "site",
    "sla_clock",
    "sla_edition",
    "sla_policy",
    "supplier",
    "suppression",
    "timeline",
    "timeline_head",
    "timeline_text",
    "topology_head",
    "watermark",
]
