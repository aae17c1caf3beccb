"""Problems: the causes behind incidents, with what is known of them."""

from sqlalchemy import BigInteger, Column, Index, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant

problem = Table(
    "problem",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("number", String, nullable=False, unique=True),  # PRB-000001: the id, as people say it
    Column("title", String, nullable=False),
    Column("state", String, nullable=False),  # open | known_error | resolved | closed
    Column("root_cause", String),
    Column("workaround", String),
    Column("owner", String),
    Column("rule", String),  # new incidents of this rule belong to it, with `instance` only those of that one
    Column("instance", String),
    Column("site", String),
    instant("opened", nullable=False),
    instant("known"),
    instant("resolved"),
    instant("closed"),
    Column("version", BigInteger, nullable=False),
    Index("ix_problem_state_id", "state", "id"),
    sqlite_autoincrement=True,  # a number is never given twice
)
