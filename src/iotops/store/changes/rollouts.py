"""Firmware that devices say they run now: a change by itself, and with others of the same version one roll-out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import func, insert, select, update

from iotops.store.database import Unit
from iotops.store.tables import change as table
from iotops.store.tables import change_device
from iotops.store.upsert import INSERT
from iotops.telemetry.reading import DeviceKey

SOURCE = "status"
WITHIN_MS = 3_600_000
"""Devices that change to the same version with no longer pause between them are one roll-out."""


@dataclass(frozen=True, slots=True)
class NewFirmware:
    """A device that runs another version than before. `product`: the label that its like share, with its name."""

    key: DeviceKey
    product: tuple[str, str] | None
    was: str
    version: str
    at_ms: int

    @property
    def rollout(self) -> str:
        """Return what the devices of one roll-out have in common."""
        return "\n".join((*(self.product or ("", "")), self.version))


def note_firmware(unit: Unit, seen: Iterable[NewFirmware], now_ms: int) -> None:
    """Keep changes of firmware that status payloads tell, those of one version within the hour as one change."""
    ordered = sorted(seen, key=lambda each: (each.rollout, each.at_ms))
    for rollout, alike in groupby(ordered, key=lambda each: each.rollout):
        for run in _runs(list(alike)):
            row = _standing(unit, rollout, run) or _begin(unit, rollout, run, now_ms)
            rows = [
                {
                    "change_id": row,
                    "site": each.key.site,
                    "device": each.key.device,
                    "was": each.was,
                    "at_ms": each.at_ms,
                }
                for each in run
            ]
            unit.connection.execute(INSERT[unit.dialect](change_device).on_conflict_do_nothing(), rows)
            _describe(unit, row, run[0], now_ms)


def _runs(alike: Sequence[NewFirmware]) -> Iterator[list[NewFirmware]]:
    """Yield what belongs together: no pause in it is longer than `WITHIN_MS`."""
    run: list[NewFirmware] = []
    for each in alike:
        if run and each.at_ms - run[-1].at_ms > WITHIN_MS:
            yield run
            run = []
        run.append(each)
    yield run


def _standing(unit: Unit, rollout: str, run: Sequence[NewFirmware]) -> int | None:
    near = (table.c.ended_ms >= run[0].at_ms - WITHIN_MS, table.c.started_ms <= run[-1].at_ms + WITHIN_MS)
    statement = select(table.c.id).where(table.c.rollout == rollout, *near).order_by(table.c.id.desc()).limit(1)
    found: int | None = unit.connection.execute(statement.with_for_update()).scalar_one_or_none()
    return found


def _begin(unit: Unit, rollout: str, run: Sequence[NewFirmware], now_ms: int) -> int:
    row = {
        "kind": "firmware",
        "title": "",
        "state": "done",
        "source": SOURCE,
        "rollout": rollout,
        "started_ms": run[0].at_ms,
        "version": 0,
        "updated_ms": now_ms,
    }
    made: int = unit.connection.execute(insert(table).values(row).returning(table.c.id)).scalar_one()
    return made


def _describe(unit: Unit, row: int, one: NewFirmware, now_ms: int) -> None:
    """Say anew what a roll-out is about, from the devices that it has now."""
    of = change_device.c
    asked = (func.count(), func.min(of.at_ms), func.max(of.at_ms), func.min(of.site), func.max(of.site))
    count, first_ms, last_ms, low, high = unit.connection.execute(select(*asked).where(of.change_id == row)).one()
    columns: dict[str, Any] = {"site": low if low == high else None, "device_count": count}
    if count == 1:
        columns |= {"device": one.key.device, "title": f"firmware {one.was} -> {one.version} on {one.key}"}
    else:
        of_product = f" of {one.product[0]} {one.product[1]}" if one.product else ""
        columns |= {"device": None, "title": f"firmware {one.version} on {count} devices{of_product}"}
    labels = {"firmware": one.version, **dict([one.product] if one.product else [])}
    times = {"started_ms": first_ms, "ended_ms": last_ms, "updated_ms": now_ms}
    statement = update(table).where(table.c.id == row)
    unit.connection.execute(statement.values(**columns, **times, labels=labels, version=table.c.version + 1))
