"""The column shapes that all tables share, and the one MetaData."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Integer, MetaData

# Named constraints, so that a later migration can name what it changes on both databases.
METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite numbers rows itself only where the type is spelled INTEGER; it holds 64 bits all the same.
ROW_ID = BigInteger().with_variant(Integer(), "sqlite")


def instant(name: str, **options: Any) -> Column[int]:
    """Return a column of Unix milliseconds; nullable unless said otherwise."""
    return Column(f"{name}_ms", BigInteger, **options)


def structured(name: str, **options: Any) -> Column[Any]:
    """Return a JSON column in which None is NULL; nullable unless said otherwise."""
    return Column(name, JSON(none_as_null=True), **options)
