"""Who was granted or denied what, and who changed it: a hash chain of its own beside the timeline of incidents."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

# Append-only, as the timeline: triggers refuse UPDATE and DELETE on both databases (see the migration).
deed = Table(
    "deed",
    METADATA,
    Column("seq", ROW_ID, primary_key=True, autoincrement=False),  # given out under the lock on `deed_head`
    instant("at", nullable=False),
    Column("actor_kind", String, nullable=False),  # token | shell | system | nobody
    Column("actor", String, nullable=False),
    Column("address", String),  # of the network, where it came by one
    Column("action", String, nullable=False),
    Column("object", String, nullable=False),
    Column("outcome", String, nullable=False),  # done | denied
    structured("data", nullable=False),
    Column("prev_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    Index("ix_deed_action_seq", "action", "seq"),
)

deed_head = Table(
    "deed_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1; locked by every append
    Column("seq", BigInteger, nullable=False),
    Column("hash", String, nullable=False),
)
