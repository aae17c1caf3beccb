"""A block: consecutive arrivals of one device, column by column, compressed."""

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import zstandard

from iotops.store.arrivals import Arrival
from iotops.store.blocks.integers import pack_integers, unpack_integers
from iotops.store.blocks.values import pack_values, unpack_values
from iotops.store.packing import LABELS, pack, unpack
from iotops.telemetry.reading import DeviceKey, Kind, Value

_FORMAT = 1
_LEVEL = 6  # a tenth smaller than level 3 at the same cost: the blocks are small
_IDENTITY_BYTES = 16
_LEAVES = {Kind.TELEMETRY: "telemetry", Kind.EVENT: "event", Kind.STATUS: "status"}


def pack_block(arrivals: Sequence[Arrival], key: DeviceKey | None) -> bytes:
    """Return n >= 1 arrivals of one device, in order of position, as bytes that `Block` reads.

    Args:
        arrivals: what to pack; all but `previous` is kept.
        key: whose; None for arrivals that are not about one device.
    """
    columns = {
        "format": _FORMAT,
        "count": len(arrivals),
        "position": pack_integers([each.position for each in arrivals]),
        "at": pack_integers([each.at_ms for each in arrivals]),
        # How long a reading was on its way hardly changes, and both counts of received time run alike.
        "lag": pack_integers([each.received_ms - each.at_ms for each in arrivals]),
        "apart": pack_integers([each.received_ms - each.connected_ms for each in arrivals]),
        "batch": pack_integers([each.batch_no for each in arrivals]),
        "kind": _runs([each.kind for each in arrivals]),
        "skewed": _runs([bool(each.skewed) for each in arrivals]),
        "boot": _runs([each.boot for each in arrivals]),
        "seq": _pack_sparse([each.seq for each in arrivals]),
        "identity": _pack_identities(arrivals, key),
        "values": _pack_columns(arrivals),
    }
    return zstandard.compress(msgspec.msgpack.encode(columns), _LEVEL)


class Block:
    """What `pack_block` packed; a column is unpacked when it is asked for."""

    def __init__(self, packed: bytes, device_id: int, key: DeviceKey | None) -> None:
        self._columns: dict[str, Any] = msgspec.msgpack.decode(zstandard.decompress(packed))
        self._device_id = device_id
        self._key = key
        self._count: int = self._columns["count"]

    def metrics(self) -> set[str]:
        """Return the names of all metrics in it."""
        return set(self._columns["values"]) - {LABELS}

    def series(self, metric: str) -> Iterator[tuple[int, Value | None]]:
        """Yield event time and value of the arrivals that carry a metric, in order of arrival."""
        packed = self._columns["values"].get(metric)
        if packed is None:
            return iter(())
        at_ms = self._at_ms()
        if packed[0] is None:
            return zip(at_ms, unpack_values(packed[1], self._count), strict=True)
        return ((at_ms[row], value) for row, value in _unpack_column(packed, self._count))

    def proofs(self) -> Iterator[tuple[str | None, int | None, int, bytes]]:
        """Yield boot, seq, event time and identity of each arrival."""
        columns = self._columns
        seqs = _unpack_sparse(columns["seq"], self._count)
        boots = _unrun(columns["boot"])
        return zip(boots, seqs, self._at_ms(), self._identities(boots, seqs), strict=True)

    def arrivals(self) -> Iterator[Arrival]:
        """Yield the arrivals as they were, but for `previous`, which is None."""
        columns, count = self._columns, self._count
        rows: list[dict[str, Any]] = [{} for _ in range(count)]
        for metric, packed in columns["values"].items():
            for row, value in _unpack_column(packed, count):
                rows[row][metric] = value
        positions, apart = unpack_integers(columns["position"], count), unpack_integers(columns["apart"], count)
        lags, batches = unpack_integers(columns["lag"], count), unpack_integers(columns["batch"], count)
        kinds, skewed = _unrun(columns["kind"]), _unrun(columns["skewed"])
        for row, (boot, seq, at_ms, identity) in enumerate(self.proofs()):
            received_ms = at_ms + lags[row]
            yield Arrival(
                position=positions[row],
                device_id=self._device_id,
                previous=None,
                kind=kinds[row],
                at_ms=at_ms,
                received_ms=received_ms,
                connected_ms=received_ms - apart[row],
                batch_no=batches[row],
                skewed=skewed[row],
                boot=boot,
                seq=seq,
                identity=identity,
                packed=pack(rows[row], {}),
            )

    def _at_ms(self) -> list[int]:
        return unpack_integers(self._columns["at"], self._count)

    def _identities(self, boots: Sequence[str | None], seqs: Sequence[int | None]) -> Iterator[bytes]:
        rows, joined = self._columns["identity"]
        places = range(self._count) if rows is None else unpack_integers(rows[1], rows[0])
        given = dict(zip(places, _cut(joined), strict=True))
        kinds = _unrun(self._columns["kind"])
        for row in range(self._count):
            yield given[row] if row in given else proven(self._key, kinds[row], boots[row], seqs[row])


def proven(key: DeviceKey | None, kind: int, boot: str | None, seq: int | None) -> bytes:
    """Return the identity of a reading that boot and seq prove, as format 1 of blocks computes it.

    It is left out of a block where it equals the one that the reading came with, and must never be changed.
    """
    return blake2b(f"{key}/{_LEAVES[Kind(kind)]}/\0boot\0{boot}\0{seq}".encode(), digest_size=_IDENTITY_BYTES).digest()


def _pack_identities(arrivals: Sequence[Arrival], key: DeviceKey | None) -> list[Any]:
    rows = [row for row, each in enumerate(arrivals) if not _is_proven(each, key)]
    given = [arrivals[row].identity for row in rows]
    joined = b"".join(given) if all(len(each) == _IDENTITY_BYTES for each in given) else given
    if len(rows) == len(arrivals):
        return [None, joined]
    return [[len(rows), pack_integers(rows) if rows else [0, 0]], joined]


def _cut(joined: bytes | list[bytes]) -> list[bytes]:
    if isinstance(joined, list):  # of a decoder that names readings at another length
        return joined
    return [joined[start : start + _IDENTITY_BYTES] for start in range(0, len(joined), _IDENTITY_BYTES)]


def _is_proven(arrival: Arrival, key: DeviceKey | None) -> bool:
    known = key is not None and arrival.boot is not None and arrival.seq is not None
    return known and arrival.identity == proven(key, arrival.kind, arrival.boot, arrival.seq)


def _pack_columns(arrivals: Sequence[Arrival]) -> dict[str, list[Any]]:
    found: dict[str, tuple[list[int], list[Any]]] = {}
    for row, each in enumerate(arrivals):
        for metric, value in unpack(each.packed).items():
            rows, values = found.setdefault(metric, ([], []))
            rows.append(row)
            values.append(value)
    return {metric: _pack_column(rows, values, len(arrivals)) for metric, (rows, values) in found.items()}


def _pack_column(rows: list[int], values: list[Any], count: int) -> list[Any]:
    places = None if len(rows) == count else [len(rows), pack_integers(rows)]
    return [places, pack_values(values)]


def _unpack_column(packed: list[Any], count: int) -> Iterator[tuple[int, Any]]:
    places, values = packed
    if places is None:
        return enumerate(unpack_values(values, count))
    return zip(unpack_integers(places[1], places[0]), unpack_values(values, places[0]), strict=True)


def _pack_sparse(values: Sequence[int | None]) -> list[Any] | None:
    present = [(row, value) for row, value in enumerate(values) if value is not None]
    if not present:
        return None
    return _pack_column([row for row, _ in present], [value for _, value in present], len(values))


def _unpack_sparse(packed: list[Any] | None, count: int) -> list[int | None]:
    found: list[int | None] = [None] * count
    for row, value in () if packed is None else _unpack_column(packed, count):
        found[row] = value
    return found


def _runs(values: Sequence[Any]) -> list[Any]:
    """Return values as [value, how often, ...]: what hardly ever changes along a block."""
    runs: list[Any] = []
    for value in values:
        if runs and runs[-2] == value:
            runs[-1] += 1
        else:
            runs += [value, 1]
    return runs


def _unrun(runs: list[Any]) -> list[Any]:
    return [value for value, often in zip(runs[::2], runs[1::2], strict=True) for _ in range(often)]
