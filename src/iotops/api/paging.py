"""Keyset pages: opaque cursors that hold the sort key of the last row, so that new rows never shift a page."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Query
from msgspec import Meta
from pydantic import BaseModel, Field

from iotops.api.problems import Problem

Row = TypeVar("Row")
Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=200, description="how many items at most")]
Cursor = Annotated[
    str | None, Query(max_length=1_000, description="`next_cursor` of the page before; leave out for the first page")
]

# Cursors come back from outside: what they hold must fit a database column as if we had read it from there.
CursorNumber = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
CursorText = Annotated[str, Meta(pattern=r"^[^\x00]*$", max_length=500)]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: Sequence[Item]
    next_cursor: str | None = Field(description="pass as `cursor` for the next page; null on the last")


def encode_cursor(order: str, key: tuple[Any, ...]) -> str:
    """Return a cursor that continues after `key` in the order named."""
    return base64.urlsafe_b64encode(msgspec.json.encode([order, key])).rstrip(b"=").decode()


def decode_cursor(order: str, cursor: str | None, key_type: Any) -> Any:
    """Return the key, a `key_type`, that a cursor continues after; None for the first page.

    Raises:
        Problem: not a cursor of ours, or one of another order.
    """
    if not cursor:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        found, key = msgspec.json.decode(raw, type=tuple[str, key_type])
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        found, key = None, None
    if key is None or found != order:
        raise Problem(
            "validation_failed",
            "cursor: expected the next_cursor of a page with the same sort; leave it out to start from the first page",
            errors=[{"place": "query.cursor", "detail": "not a cursor of this list"}],
        )
    return key


def page_of(
    rows: Sequence[Row], limit: int, shape: Callable[[Row], Item], cursor_of: Callable[[Row], str]
) -> Page[Item]:
    """Return a page of `limit` rows from `limit` + 1 rows asked for: the one too many says that there is more."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(items=[shape(row) for row in shown], next_cursor=cursor_of(shown[-1]) if more else None)
