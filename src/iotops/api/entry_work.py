"""What /sites, /suppliers and /services do alike: two layers each, versions, and who may change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from fastapi import Path
from pydantic import AfterValidator, BaseModel, Field

from iotops.api.access import Caller
from iotops.api.context import Context
from iotops.api.paging import Cursor, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.preconditions import etag, given_number, required_number
from iotops.api.problems import Problem
from iotops.api.shapes import Body, Instant, Line, Shape
from iotops.store import topology
from iotops.store.database import Unit
from iotops.store.topology import Entry

EntryId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
EntryPath = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
_ORDER = "id"


def _said(text: str) -> str:
    if not text:
        msg = "must not be empty; send null to take it out"
        raise ValueError(msg)
    return text


Said = Annotated[Line, AfterValidator(_said)]
"""What somebody says of an entry: a line that is not empty."""


class EntryShape(Shape):
    """What every entry has beside its members."""

    id: str
    sources: dict[str, Literal["file", "api"]] = Field(
        description="who said which member: services.yaml, or the API, which counts first"
    )
    updated_at: Instant
    version: int


class Wanted(BaseModel):
    """Which entries to list; a filter given more than once accepts each of its values."""

    id: Annotated[list[EntryId], Field(max_length=100)] = []
    q: Line | None = Field(None, description="part of the id or name")
    limit: Limit = 50
    cursor: Cursor = None


S = TypeVar("S", bound=EntryShape)


@dataclass(frozen=True, slots=True)
class Entries:
    """One of the three lists, for one request."""

    kind: str
    context: Context
    caller: Caller

    def listed(self, wanted: Wanted, shape: type[S]) -> Page[S]:
        """Return a page of entries by id; of sites only those that the caller sees."""
        after: tuple[str] | None = decode_cursor(_ORDER, wanted.cursor, tuple[CursorText])
        ids = self.caller.sites(wanted.id) if self.kind == "sites" else tuple(wanted.id)
        if ids is None:
            return Page(items=[], next_cursor=None)
        with self.context.read() as unit:
            found = topology.page(
                unit, self.kind, limit=wanted.limit + 1, after=after and after[0], ids=ids, q=wanted.q
            )
        return page_of(
            found, wanted.limit, lambda each: shaped(each, shape), lambda each: encode_cursor("id", (each.id,))
        )

    def get(self, entry_id: str) -> Entry:
        """Return one entry that the caller may see."""
        with self.context.read() as unit:
            return self._visible(unit, entry_id)

    def create(self, unit: Unit, body: Body, shape: type[S]) -> S:
        """Make an entry with what a body says."""
        self.must_be_for_all()
        said = {name: value for name, value in body.model_dump(exclude_unset=True).items() if value is not None}
        return shaped(topology.create(unit, self.kind, said.pop("id"), said, self.context.now_ms()), shape)

    def change(self, entry_id: str, body: Body, if_match: str | None) -> Entry:
        """Merge what a body says into what the API said before; null takes a member out."""
        self.must_be_for_all()
        said, expected = body.model_dump(exclude_unset=True), required_number(if_match)

        def work(unit: Unit) -> Entry:
            return topology.change(unit, self.kind, entry_id, said, self.context.now_ms(), expected=expected)

        return self.context.write(work)

    def delete(self, entry_id: str, if_match: str | None) -> None:
        """Take an entry away that only the API declares."""
        self.must_be_for_all()
        expected = given_number(if_match)
        self.context.write(lambda unit: topology.delete(unit, self.kind, entry_id, expected=expected))

    def must_be_for_all(self) -> None:
        """Refuse a change by a token of one site.

        Raises:
            Problem: forbidden; what stands behind the devices belongs to every site.
        """
        if self.caller.site is not None:
            raise Problem("forbidden", f"the token is for site {self.caller.site!r} only; {self.kind} are everybody's")

    def _visible(self, unit: Unit, entry_id: str) -> Entry:
        if self.kind == "sites":
            self.caller.must_see(entry_id, f"site {entry_id!r} does not exist")
        return topology.get(unit, self.kind, entry_id)


def shaped(entry: Entry, shape: type[S]) -> S:
    """Return an entry as clients see it."""
    api = entry.api or {}
    sources = {name: "api" if name in api else "file" for name, value in entry.members.items() if value is not None}
    shown: dict[str, Any] = {"id": entry.id, "sources": sources, "updated_at": entry.updated_ms}
    return shape.model_validate({**entry.members, **shown, "version": entry.version})


def entry_headers(path: str, body: Mapping[str, Any]) -> dict[str, str]:
    """Return what goes with a new entry: its ETag, and where it is."""
    return {"ETag": etag(body["version"]), "Location": f"/api/v1{path}/{body['id']}"}
