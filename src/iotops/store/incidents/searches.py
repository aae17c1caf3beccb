"""Search for a text anywhere in what incidents say: part of title, device, site, rule or service, or a number."""

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    false,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
    union_all,
)

from iotops.errors import NotFound
from iotops.store.database import Unit
from iotops.store.incidents.rows import row_id
from iotops.store.tables import incident

_SHORTEST = 3  # letters; the index of SQLite finds nothing shorter
_MANY = 5_000  # where so many say a text, those of a page are met soon without the index
# Spelled exactly as the index of PostgreSQL is, which is used for nothing else.
_WORDS: ColumnElement[str] = literal_column(
    "("
    + " || ' ' || ".join(f"coalesce(incident.{each}, '')" for each in ("title", "device", "site", "rule", "service"))
    + ")",
    String,
)
_INDEX = table("incident_words")


def mentions(unit: Unit, sought: str) -> ColumnElement[bool]:
    """Return the condition that an incident says a text, whatever the case of its letters, or has it as its number."""
    try:
        numbered: ColumnElement[bool] = incident.c.id == row_id(sought)
    except NotFound:
        numbered = false()
    said = _WORDS.icontains(sought, autoescape=True)
    if len(sought) < _SHORTEST or (unit.dialect == "sqlite" and not _is_indexed(unit)):
        return or_(numbered, said)
    if unit.dialect == "sqlite":
        rows = _matches(sought)
        found = unit.connection.execute(select(func.count()).select_from(rows.limit(_MANY).subquery())).scalar_one()
        return or_(numbered, said if found == _MANY else incident.c.id.in_(rows))
    # PostgreSQL collects all matches from the index before it takes the first: not where every page is full of them.
    # Of what it takes to be rare it reads all and sorts, and so it would with ILIKE; of a position it assumes nothing.
    unaided = func.strpos(func.lower(_WORDS), func.lower(sought)) > 0
    newest = select(func.max(incident.c.id) - _MANY).scalar_subquery()
    lately = select(func.count()).where(incident.c.id > newest, unaided)
    if unit.connection.execute(lately).scalar_one() * 100 >= _MANY:
        return or_(numbered, unaided)
    # One list with the number in it: beside an OR it would be compared with every row there is.
    return incident.c.id.in_(union_all(select(incident.c.id).where(said), select(incident.c.id).where(numbered)))


def _matches(sought: str) -> Select[int]:
    phrase = '"{}"'.format(sought.replace('"', '""'))
    rows: Select[int] = select(literal_column("rowid", Integer)).select_from(_INDEX)
    return rows.where(literal_column("incident_words").op("MATCH")(phrase))


def _is_indexed(unit: Unit) -> bool:
    there = text("SELECT 1 FROM sqlite_master WHERE name = 'incident_words'")
    return unit.connection.execute(there).first() is not None
