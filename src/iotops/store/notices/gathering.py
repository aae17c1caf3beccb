"""Events into messages: each message that takes more is read once in a transaction, and written once."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, select, update

from iotops.store.database import Unit
from iotops.store.notices.outbox import Told
from iotops.store.tables import notice
from iotops.store.upsert import INSERT

MOST_EVENTS = 50
"""So many events make one message at the most; what comes then begins another."""
_LOOKED_THROUGH = 20  # messages of a route to a channel; what waits is of few priorities


class Times(NamedTuple):
    """Now; when a message of its own would go out; and whether an event may go with one that goes out at a time."""

    now_ms: int
    due_ms: int
    may_join: Callable[[int], bool]


@dataclass(slots=True)
class _Open:
    """A message that takes more events, as it will be written."""

    id: int
    site: str | None
    due_ms: int
    events: list[dict[str, Any]]
    changed_ms: int | None = None


class Gathering:
    """The messages of one transaction. Made by `gathering`, which writes down what was added."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._open: dict[tuple[str, str], list[_Open]] = {}
        self._due: list[dict[str, Any]] = []

    def add(self, route: str, channel: str, told: Told, times: Times) -> None:
        """Put an event into a message of a route to a channel that is being gathered, else into a new one.

        The key of a message comes from its first event, route and channel: made again, it is the same message.
        """
        takers = self._takers(route, channel, times.now_ms)
        event = _event(told)
        for each in takers:
            if len(each.events) < MOST_EVENTS and times.may_join(each.due_ms):
                each.events.append(event)
                each.site = each.site if each.site == (told.incident.site or None) else None
                each.changed_ms = times.now_ms
                return
        row = _row(route, channel, told, times, event)
        if times.due_ms <= times.now_ms:  # nothing may join it any more
            self._due.append(row)
            return
        made = self._begin(row)
        if made is not None:
            takers.insert(0, made)
            del takers[_LOOKED_THROUGH:]

    def write(self) -> None:
        """Write the messages that events were added to, and those that are due."""
        if self._due:
            self._unit.connection.execute(_unless_there(self._unit), self._due)
        for each in (found for takers in self._open.values() for found in takers):
            if each.changed_ms is not None:
                values = {"events": each.events, "site": each.site, "updated_ms": each.changed_ms}
                self._unit.connection.execute(update(notice).where(notice.c.id == each.id).values(values))

    def _takers(self, route: str, channel: str, now_ms: int) -> list[_Open]:
        """Return what takes more events, the newest first."""
        if (route, channel) not in self._open:
            statement = select(notice).where(
                notice.c.state == "pending",
                notice.c.route == route,
                notice.c.channel == channel,
                notice.c.content.is_(None),
                notice.c.due_ms > now_ms,
            )
            rows = self._unit.connection.execute(statement.order_by(notice.c.id.desc()).limit(_LOOKED_THROUGH))
            self._open[route, channel] = [_open(row) for row in rows]
        return self._open[route, channel]

    def _begin(self, row: dict[str, Any]) -> _Open | None:
        """Insert a message; None where it was made before."""
        statement = _unless_there(self._unit).returning(notice.c.id)
        made: int | None = self._unit.connection.execute(statement, row).scalar_one_or_none()
        return None if made is None else _Open(made, row["site"], row["due_ms"], row["events"])


@contextmanager
def gathering(unit: Unit) -> Iterator[Gathering]:
    """Give the messages of a transaction, and write down at the end of the block what was added to them."""
    messages = Gathering(unit)
    yield messages
    messages.write()


def _unless_there(unit: Unit) -> Any:
    return INSERT[unit.dialect](notice).on_conflict_do_nothing(index_elements=["key"])


def _row(route: str, channel: str, told: Told, times: Times, event: dict[str, Any]) -> dict[str, Any]:
    digest = hashlib.sha256(f"{told.place}\x1f{route}\x1f{channel}".encode()).hexdigest()[:32]
    what = {"key": f"msg_{digest}", "route": route, "channel": channel, "site": told.incident.site or None}
    when = {"created_ms": times.now_ms, "due_ms": times.due_ms, "updated_ms": times.now_ms}
    return {**what, **when, "events": [event], "state": "pending", "attempts": 0}


def _open(row: Row[Any]) -> _Open:
    return _Open(row.id, row.site, row.due_ms, list(row.events))


def _event(told: Told) -> dict[str, Any]:
    found = told.incident
    names = ("title", "priority", "site", "service", "device", "rule", "assignee", "team", "fired_ms", "raised_ms")
    facts = {name: getattr(found, name) for name in names}
    facts |= {"state": found.state.value, "severity": found.severity.word}
    return {"event": told.event, "at_ms": told.at_ms, "incident": found.number, "facts": facts}
