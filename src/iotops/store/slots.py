"""How far the ingest is: the single row of its position, and snapshots of the engine's memory per slot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select, update

from iotops.errors import Overtaken
from iotops.store.database import Unit
from iotops.store.tables import engine_slot, ingest_state
from iotops.store.upsert import upsert


@dataclass(frozen=True, slots=True)
class IngestState:
    """What the newest commit of the ingest left.

    Attributes:
        batch_no: its number; 0 before the first.
        position: of the newest arrival.
        connected_ms: the running count of broker-connected time.
        counters: totals since the first commit ever, in messages: `stored`, `duplicates`, `dead_lettered`, ...
        updated_ms: wall clock of the commit.
        ticked_ms: broker-connected time up to which timers were run.
    """

    batch_no: int = 0
    position: int = 0
    connected_ms: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    updated_ms: int = 0
    ticked_ms: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The engine's memory of one slot. `position`: every arrival up to here is in `data`."""

    slot: int
    position: int
    connected_ms: int
    data: bytes


def state(unit: Unit) -> IngestState:
    """Return what the newest commit left."""
    row = unit.connection.execute(select(ingest_state).where(ingest_state.c.id == 1)).one()
    return IngestState(row.batch_no, row.position, row.connected_ms, row.counters, row.updated_ms, row.ticked_ms)


def advance(unit: Unit, state: IngestState) -> None:
    """Move on to the next batch; the first statement of each transaction of the ingest.

    First, because it waits for the outcome of a commit whose answer was lost, and then refuses: the batch number
    before must be the one that the caller knows.

    Raises:
        Overtaken: another batch was committed meanwhile: ours, where the answer to its commit was lost, or a rival's.
    """
    moved = unit.connection.execute(
        update(ingest_state)
        .where(ingest_state.c.id == 1, ingest_state.c.batch_no == state.batch_no - 1)
        .values(
            batch_no=state.batch_no,
            position=state.position,
            connected_ms=state.connected_ms,
            counters=dict(state.counters),
            updated_ms=state.updated_ms,
            ticked_ms=state.ticked_ms,
        )
    )
    if moved.rowcount != 1:
        msg = f"database: batch {state.batch_no} does not follow the newest commit; is another ingest at work on it?"
        raise Overtaken(msg)


def save(unit: Unit, snapshots: Sequence[Snapshot], now_ms: int) -> None:
    """Keep the memory of slots in place of the older one."""
    rows = [
        {
            "slot": each.slot,
            "position": each.position,
            "connected_ms": each.connected_ms,
            "saved_ms": now_ms,
            "data": each.data,
        }
        for each in snapshots
    ]
    upsert(unit, engine_slot, rows)


def load_all(unit: Unit) -> list[Snapshot]:
    """Return the newest snapshot of every slot that has one, by slot."""
    rows = unit.connection.execute(select(engine_slot).order_by(engine_slot.c.slot))
    return [Snapshot(row.slot, row.position, row.connected_ms, row.data) for row in rows]


def oldest_position(unit: Unit) -> int | None:
    """Return the position from which a restart replays arrivals; None without snapshots: from the first."""
    position: int | None = unit.connection.execute(select(func.min(engine_slot.c.position))).scalar_one()
    return position
