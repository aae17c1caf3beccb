"""Stored arrivals as the calls of the engine that they were, or, where that was not kept, as they may have been."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from iotops.rules.clocks import Now
from iotops.rules.device import DeviceFacts
from iotops.store.blocks.arrays import Integers
from iotops.store.history import Stretch
from iotops.store.logged import evaluated, facts_change, retained_status
from iotops.store.notes import EVALUATIONS, NO_DEVICE, Note, NoteKind
from iotops.store.packing import LABELS
from iotops.telemetry.batch import Batch, Rows
from iotops.telemetry.reading import DeviceKey, Kind, Reading
from iotops.telemetry.track import Instants, Track

AT_ONCE: Final = 20_000
"""Readings judged at once where the log does not say how it was."""

TIMER_LAG_MS: Final = 500
"""Timers run so far behind, as in the ingest: what is due at the same instant is judged first."""

_KINDS: Final = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Reload:
    """Rules were loaded; `started`: by a process that had just started. `edition`: digest of their texts."""

    edition: str
    started: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to the engine, in this order.

    Attributes:
        ticks: timers ran, with nothing to store.
        facts: what was learned of devices.
        quarantined: rules that were left out from here on.
        reload: in place of the batch, None where there was none.
        batch: judged at `now`; `readings` of it are stored ones.
        exact: the log says that it was so.
        punctual: nothing in the batch is late, so that its timers run where they belong.
    """

    batch: Batch
    now: Now
    readings: int = 0
    ticks: tuple[Now, ...] = ()
    facts: tuple[DeviceFacts, ...] = ()
    quarantined: tuple[str, ...] = ()
    reload: Reload | None = None
    exact: bool = False
    punctual: bool = False


@dataclass(slots=True)
class _Told:
    """The notes of one batch."""

    now: Now | None = None
    ticks: tuple[Now, ...] = ()
    facts: list[DeviceFacts] = field(default_factory=list)
    quarantined: tuple[str, ...] = ()
    reload: Reload | None = None
    retained: list[tuple[int, Reading]] = field(default_factory=list)


def arrival_steps(stretches: Iterable[Stretch], key_of: Mapping[int, DeviceKey], since_ms: int) -> Iterator[Step]:
    """Yield the steps of stretches in order of arrival; devices that `key_of` lacks are left out.

    No step without an exact time has readings from both before and after `since_ms`.
    """
    pending: list[Reading] = []  # of batches without a note of how they were judged
    known = frozenset(key_of.values())
    for batch in _batches(stretches):
        told = _read_notes(batch, known)
        readings = _readings(batch, key_of)
        if told.now is None and told.reload is None and not told.facts:
            if pending and readings and pending[0].received_ms < since_ms <= readings[0].received_ms:
                yield _guessed(pending)
                pending = []
            pending += readings
            if len(pending) >= AT_ONCE:
                yield _guessed(pending)
                pending = []
            continue
        if pending:
            yield _guessed(pending)
            pending = []
        yield _step(told, readings, batch)
    if pending:
        yield _guessed(pending)


def event_steps(stretches: Iterable[Stretch], key_of: Mapping[int, DeviceKey]) -> Iterator[Step]:
    """Yield steps as if every reading had arrived at its event time; the stretches are in that order."""
    for stretch in stretches:
        punctual = stretch._replace(received_ms=stretch.at_ms, connected_ms=stretch.at_ms)
        batch = Batch.of_devices(_by_device(punctual, key_of))
        newest_ms = int(stretch.at_ms[-1])
        yield Step(batch, Now(newest_ms, newest_ms - TIMER_LAG_MS), len(batch), punctual=True)


def _by_device(stretch: Stretch, key_of: Mapping[int, DeviceKey]) -> dict[DeviceKey, Rows]:
    """Return each device's readings, as columns where that is how they are stored."""
    order = np.argsort(stretch.device_id, kind="stable")
    edges = np.flatnonzero(np.diff(stretch.device_id[order])) + 1
    each = sorted(np.split(order, edges), key=lambda rows: int(rows[0]))
    found = {}
    for rows in each:
        key = key_of.get(int(stretch.device_id[rows[0]]))
        if key is not None:
            found[key] = Rows(rows.tolist(), _track(stretch, rows, key))
    return found


def _track(stretch: Stretch, rows: Integers, key: DeviceKey) -> Sequence[Reading]:
    values = stretch.cells.columns(rows) if bool((stretch.kind[rows] == Kind.TELEMETRY.value).all()) else None
    if values is None:
        some = stretch.take(rows)
        return _readings(_lists(some), {int(some.device_id[0]): key})
    columns = (stretch.at_ms, stretch.received_ms, stretch.connected_ms, stretch.skewed)
    return Track(key, Instants._make(column[rows] for column in columns), values)


class _Lists(NamedTuple):
    """The columns of a stretch as lists: batches are short, and of short arrays only the overhead shows."""

    position: list[int]
    device_id: list[int]
    kind: list[int]
    at_ms: list[int]
    received_ms: list[int]
    connected_ms: list[int]
    batch_no: list[int]
    skewed: list[int]
    values: Sequence[dict[str, Any]]


def _lists(stretch: Stretch) -> _Lists:
    return _Lists._make([*(column.tolist() for column in stretch[:-1]), stretch.cells.maps()])


def _slice(columns: _Lists, start: int, end: int) -> _Lists:
    return _Lists._make(column[start:end] for column in columns)


def _batches(stretches: Iterable[Stretch]) -> Iterator[_Lists]:
    """Yield the arrivals of each batch, also of one that two stretches share."""
    rest: _Lists | None = None
    for stretch in stretches:
        columns = _lists(stretch)
        if rest is not None:
            columns = _Lists._make([*one, *other] for one, other in zip(rest, columns, strict=True))
        edges = np.flatnonzero(np.diff(columns.batch_no)) + 1
        for start, end in pairwise([0, *edges.tolist()]):
            yield _slice(columns, start, end)
        rest = _slice(columns, int(edges[-1]) if len(edges) else 0, len(columns.position))
    if rest is not None:
        yield rest


def _read_notes(batch: _Lists, known: frozenset[DeviceKey]) -> _Told:
    told = _Told()
    for row, device_id in enumerate(batch.device_id):
        if device_id > NO_DEVICE:
            break  # notes come first
        note = Note(NoteKind(batch.kind[row]), batch.at_ms[row], batch.connected_ms[row], batch.values[row])
        if note.kind is NoteKind.EVALUATED:
            told.now, told.ticks = evaluated(note)
        elif note.kind is NoteKind.LABELS_CHANGED:
            facts = facts_change(note).after
            told.facts += [facts] if facts.key in known else []
        elif note.kind is NoteKind.STATUS_RETAINED:
            place, status = retained_status(note)
            told.retained += [(place, status)] if status.key in known else []
        elif note.kind is NoteKind.RULES_RELOADED:
            told.reload = Reload(note.data.get("edition", ""), note.data.get("started", False))
        elif note.kind is NoteKind.RULES_QUARANTINED:
            told.quarantined = tuple(note.data["rules"])
    return told


def _readings(batch: _Lists, key_of: Mapping[int, DeviceKey]) -> list[Reading]:
    """Return the stored readings of a batch in order; devices that were forgotten since are left out."""
    found = []
    for _, device_id, kind, at_ms, received_ms, connected_ms, _, skewed, values in zip(*batch, strict=True):
        key = key_of.get(device_id)
        if key is None:
            continue
        labels = values.pop(LABELS, {})
        found.append(
            Reading(
                key,
                at_ms,
                received_ms,
                values,
                connected_ms=connected_ms,
                kind=_KINDS[kind],
                skewed=bool(skewed),
                labels=labels,
            )
        )
    return found


def _step(told: _Told, readings: list[Reading], batch: _Lists) -> Step:
    stored = len(readings)
    if told.retained:
        readings = _with_retained(told.retained, readings, batch)
    now = told.now or _now_after(readings)
    return Step(
        Batch(readings),
        now,
        stored,
        told.ticks,
        tuple(told.facts),
        told.quarantined,
        told.reload,
        exact=told.now is not None,
    )


def _with_retained(retained: list[tuple[int, Reading]], readings: list[Reading], batch: _Lists) -> list[Reading]:
    """Return a batch as it was judged.

    Positions are consecutive, so they say how many stored readings stood before one, also where only some are read.
    """
    notes = batch.device_id.count(NO_DEVICE) + batch.device_id.count(EVALUATIONS)
    places = [position - batch.position[0] - notes for position in batch.position[notes:]]
    # At one place the retained ones come first: they stood behind the readings before it.
    keyed = [(place, 0, reading) for place, reading in retained]
    keyed += [(place, 1, reading) for place, reading in zip(places, readings, strict=True)]
    return [reading for _, _, reading in sorted(keyed, key=lambda item: item[:2])]


def _guessed(readings: list[Reading]) -> Step:
    return Step(Batch(readings), _now_after(readings), len(readings))


def _now_after(readings: Sequence[Reading]) -> Now:
    """Return the present behind the last reading, where nobody knows how long the quiet lasted."""
    if not readings:
        return Now(0, 0, drained=False)
    newest_ms = max(reading.connected_ms for reading in readings)
    return Now(readings[-1].received_ms, newest_ms - TIMER_LAG_MS)
