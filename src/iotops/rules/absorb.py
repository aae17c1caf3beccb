"""How readings that can turn nothing enter memory: many at once, and as if each had been judged."""

from collections.abc import Sequence
from typing import NamedTuple

from iotops.rules.columns import Columns
from iotops.rules.device import DeviceMemory
from iotops.rules.guards import watch_of
from iotops.rules.journal import Journal
from iotops.rules.moment import Moment
from iotops.rules.outlook import Outlook
from iotops.rules.renewal import renew
from iotops.telemetry.reading import Value


class Clocks(NamedTuple):
    """Where the last of some readings leaves its device's clock; `paused_ms`: nobody could hear before them."""

    event_ms: int
    received_ms: int
    connected_ms: int
    paused_ms: int


class Quiet(NamedTuple):
    """Readings of one device that can turn nothing: their times, the values of each metric, and where they end."""

    times: Sequence[int]
    values: dict[str, Sequence[Value]]
    clocks: Clocks


def quiet_rows(columns: Columns, names: Sequence[str], rows: slice) -> Quiet:
    """Return consecutive rows of one device."""
    last = rows.stop - 1
    paused_ms = int(columns.pause_ms[rows].sum()) if columns.has_pauses else 0
    received_ms, connected_ms = int(columns.received_ms[last]), int(columns.connected_ms[last])
    return Quiet(
        columns.times[rows],
        {name: columns.values[name][rows] for name in names},
        Clocks(columns.times[last], received_ms, connected_ms, paused_ms),
    )


def absorb(journal: Journal | None, device: DeviceMemory, outlook: Outlook, quiet: Quiet, moment: Moment) -> None:
    """Take readings into memory, as `DeviceStage.reading` would one by one; without a journal it cannot be undone."""
    clocks = quiet.clocks
    device.paused_ms += clocks.paused_ms
    device.tick(clocks.event_ms, clocks.received_ms, clocks.connected_ms)
    device.heard_ms = max(device.heard_ms, device.event_ms)
    device.heard_paused_ms = device.paused_ms
    for name, how in outlook.followed.items():
        series, values = device.series[name], quiet.values[name]
        if journal is not None:
            journal.touch_series(device, name, series)
        series.extend(quiet.times, values, declared=how.declared, paused_ms=device.paused_ms)
        if how.seasons or series.models:
            for at_ms, value in zip(quiet.times, values, strict=True):
                series.learn(how.seasons, at_ms, value)
        if name in outlook.guards:
            watch_of(series, outlook.guards[name]).passed(series)
    sooner = outlook.uses_every and device.learn_every()
    if outlook.crossings and (outlook.renewed or sooner or outlook.is_overdue(device)):
        renew(moment, device, outlook.crossings)
