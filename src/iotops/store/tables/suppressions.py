"""Maintenance and silences."""

from sqlalchemy import BigInteger, Boolean, Column, String, Table

from iotops.store.tables.columns import METADATA, ROW_ID, instant, structured

suppression = Table(
    "suppression",
    METADATA,
    Column("id", ROW_ID, primary_key=True),
    Column("kind", String, nullable=False),  # maintenance | silence
    structured("matcher", nullable=False),
    instant("starts", nullable=False),
    instant("ends"),  # of the first window where a rule repeats it
    Column("rrule", String),
    Column("timezone", String, nullable=False),
    Column("until_cleared", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("created_by", String, nullable=False),
    instant("created", nullable=False),
    instant("ended", index=True),
    instant("removed"),  # nobody sees it any more, but what it held back is still told by it
    instant("applied"),  # since when the incidents it is about know of it; NULL while they do not
    instant("seen"),
    instant("updated", nullable=False),
    Column("version", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice: timelines name it for ever
)
