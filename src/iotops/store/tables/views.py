"""Lists that people saved."""

from sqlalchemy import Column, Index, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant

saved_view = Table(
    "saved_view",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("owner", String, nullable=False),  # as the timeline names whoever saved it
    Column("name", String, nullable=False),
    Column("query", String, nullable=False),  # in the API's own names
    instant("created", nullable=False),
    Index("ix_saved_view_owner_name", "owner", "name", unique=True),
    sqlite_autoincrement=True,
)
