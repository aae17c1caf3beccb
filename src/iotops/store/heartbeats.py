"""Signs of life of the processes, and what they say about themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from iotops.store.database import Unit
from iotops.store.tables import heartbeat
from iotops.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The newest sign of life of a process; `data` is whatever it reports (JSON)."""

    process: str
    at_ms: int
    started_ms: int
    data: Mapping[str, Any]


def beat(unit: Unit, sign: Heartbeat) -> None:
    """Keep a sign of life in place of the one before."""
    row = {"process": sign.process, "at_ms": sign.at_ms, "started_ms": sign.started_ms, "data": dict(sign.data)}
    upsert(unit, heartbeat, [row])


def latest(unit: Unit) -> dict[str, Heartbeat]:
    """Return process -> its newest sign of life."""
    rows = unit.connection.execute(select(heartbeat))
    return {row.process: Heartbeat(row.process, row.at_ms, row.started_ms, row.data) for row in rows}
