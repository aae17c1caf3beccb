"""How services stand for those who depend on them, and how they stood."""

from sqlalchemy import Column, Index, Integer, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

service_state = Table(
    "service_state",
    METADATA,
    Column("service", String, primary_key=True),
    Column("state", String, nullable=False),  # operational | maintenance | unknown | degraded | outage
    Column("because", String, nullable=False),
    instant("since", nullable=False),
    instant("seen", nullable=False),  # when it was looked at last: what is older says nothing about now
    structured("incidents", nullable=False),  # rows of those that concerned it since
    structured("suppliers", nullable=False),  # ids
    Column("devices", Integer, nullable=False),
    Column("affected", Integer, nullable=False),
    Column("unheard", Integer, nullable=False),
)

# Only what is over; how a service stands now is in `service_state`.
service_span = Table(
    "service_span",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("service", String, nullable=False),
    Column("state", String, nullable=False),
    instant("since", nullable=False),
    instant("until", nullable=False, index=True),
    structured("incidents", nullable=False),
    Index("ix_service_span_service_until_ms", "service", "until_ms"),
)
