"""The log of arrivals in stretches: what comes, in which order, from rows and from blocks alike."""

import pytest

from iotops.store import compaction, facts, history
from iotops.store.blocks.arrays import unpack_block
from iotops.store.blocks.block import Block, pack_block
from iotops.store.history import Wanted, stretches
from iotops.store.packing import pack, unpack
from iotops.store.replay import log
from iotops.telemetry.reading import DeviceKey, Reading

HOUR_MS = 3_600_000
KEYS = [DeviceKey("s1", name) for name in ("fz-1", "fz-2", "fz-3")]


def fill(ingest):
    """Store two hours of three devices; one reading in ten is half an hour late, and its metrics differ."""
    for step in range(120):
        batch = []
        for number, key in enumerate(KEYS):
            received_ms = step * 60_000 + number
            at_ms = received_ms - (1_800_000 if step % 10 == 9 else 0)
            values = {"t": step / 10} if step % 3 else {"t": step, "state": "open", "gone": None}
            batch.append(Reading(key, at_ms, received_ms, values, f"{number:04}{step:012}".encode(), connected_ms=step))
        ingest.store(*batch)


def read(ingest, wanted):
    """Return (position, device, event time, values) of everything wanted."""
    with ingest.database.read() as unit:
        found = list(stretches(unit, wanted))
    return [
        (int(piece.position[row]), int(piece.device_id[row]), int(piece.at_ms[row]), values)
        for piece in found
        for row, values in enumerate(piece.cells.maps())
    ]


@pytest.mark.parametrize("by_event", [False, True])
def test_stretches_are_the_log_wherever_it_is(ingest, by_event, monkeypatch):
    """Half in blocks or all in rows, in one stretch or in many: the same, in order of arrival or of event time."""
    fill(ingest)
    wanted = Wanted(-HOUR_MS, 9 * HOUR_MS, by_event=by_event)
    rows = read(ingest, wanted)
    with ingest.database.read() as unit:
        expected = [(each.position, each.entry.at_ms, dict(each.entry.values)) for each in log(unit, 0)]

    compaction.compact(ingest.database, now_ms=HOUR_MS + 120_000)
    monkeypatch.setattr(history, "_READINGS", 50)
    monkeypatch.setattr(history, "_ROWS", 20)

    assert read(ingest, wanted) == rows
    order = (1, 0) if by_event else (0,)
    expected.sort(key=lambda each: tuple(each[index] for index in order))
    assert [(position, at_ms, values) for position, _, at_ms, values in rows] == expected


def test_range_and_devices_are_heeded(ingest):
    """The end of a range is excluded; other devices stay out; the count is that of all devices."""
    fill(ingest)
    compaction.compact(ingest.database, now_ms=HOUR_MS + 120_000)
    with ingest.database.read() as unit:
        numbers = {key: number for number, key in facts.ids(unit).items()}
        counted = history.count(unit, Wanted(60_000, 180_000))

    found = read(ingest, Wanted(60_000, 180_000, device_ids=frozenset({numbers[KEYS[1]]})))

    assert [values["t"] for _, _, _, values in found] == [0.1, 0.2]
    assert counted >= 6


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [1.5, 2.25, -0.0], [2**62, -(2**62), 7], [True, False, True], ["a", None, 3]]
)
def test_block_as_arrays_holds_what_the_block_holds(values):
    """Every type of value, and every column, comes back as it was."""
    ingest = [
        (number + 5, number * 10, number * 10 + 3 + number % 2, {"m": value} if number != 1 else {"m": value, "n": "x"})
        for number, value in enumerate(values)
    ]
    from_rows = [_arrival(*each) for each in ingest]
    packed = pack_block(from_rows, KEYS[0])

    arrays = unpack_block(packed)

    plain = list(Block(packed, 1, KEYS[0]).arrivals())
    assert arrays.position.tolist() == [each.position for each in plain]
    assert arrays.received_ms.tolist() == [each.received_ms for each in plain]
    assert arrays.skewed.tolist() == [each.skewed for each in plain]
    assert repr(arrays.metrics["m"].values) == repr([unpack(each.packed)["m"] for each in plain])
    assert arrays.metrics["n"].rows.tolist() == [1]


def _arrival(position, at_ms, received_ms, values):
    from_row = (position, 1, None, 1, at_ms, received_ms, received_ms - 7, position // 2, False, "b", position)
    return compaction.Arrival(*from_row, bytes(16), pack(values, {}))
