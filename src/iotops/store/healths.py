"""How devices stand now, in one word each: what alerts, presence and maintenance say together."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import func, select

from iotops.incidents.incident import OPEN
from iotops.store import suppressions
from iotops.store.database import Unit
from iotops.store.devices import Device
from iotops.store.pairs import is_pair
from iotops.store.pending import IS_OPEN
from iotops.store.tables import alert, incident
from iotops.telemetry.reading import DeviceKey

HEALTHS = ("alert", "unknown", "maintenance", "ok", "retired")
"""The words, what needs somebody most first."""

QUIET_MS = 86_400_000
"""Of a device that nothing came from for so long nobody knows anything, whatever the rules say."""

_FIRING = ("firing", "recovering")


class Standing(NamedTuple):
    """How a device stands: one of `HEALTHS`, and the open incidents that name it with the highest priority of them."""

    health: str
    open_incidents: int
    priority: str | None


def standings(unit: Unit, devices: Sequence[Device], now_ms: int) -> dict[DeviceKey, Standing]:
    """Return how each of some devices stands."""
    keys = [each.key for each in devices]
    words = judge(unit, devices, now_ms, few=True)
    cases = _open_incidents(unit, keys)
    return {key: Standing(words[key], *cases.get(key, (0, None))) for key in keys}


def judge(unit: Unit, devices: Iterable[Device], now_ms: int, *, few: bool = False) -> dict[DeviceKey, str]:
    """Return device -> one of `HEALTHS`.

    Args:
        unit: a transaction.
        devices: whose.
        now_ms: the wall clock.
        few: they are a page at most; only their alerts are read then.
    """
    found = list(devices)
    known, unknown = _alerts(unit, [each.key for each in found] if few else None)
    planned = _in_maintenance(unit, now_ms)
    words = {}
    for each in found:
        if each.lifecycle == "retired":
            words[each.key] = "retired"
        elif each.key in planned:
            words[each.key] = "maintenance"
        elif each.key in known:
            words[each.key] = "alert"
        else:
            words[each.key] = "unknown" if each.key in unknown or _is_quiet(each, now_ms) else "ok"
    return words


def _is_quiet(found: Device, now_ms: int) -> bool:
    return found.online is False or found.last_seen_ms is None or found.last_seen_ms < now_ms - QUIET_MS


def _alerts(unit: Unit, keys: Collection[DeviceKey] | None) -> tuple[set[DeviceKey], set[DeviceKey]]:
    """Return the devices with an alert of their own, and those of which an alert says that nothing is known.

    An alert that another device explains (a gateway that is gone) says that nothing is known of its own.
    """
    statement = select(alert.c.site, alert.c.device, alert.c.data, alert.c.cause).distinct()
    statement = statement.where(IS_OPEN, alert.c.device.is_not(None), alert.c.state.in_(_FIRING))
    if keys is not None:
        statement = statement.where(is_pair((alert.c.site, alert.c.device), keys))
    known: set[DeviceKey] = set()
    unknown: set[DeviceKey] = set()
    for row in unit.connection.execute(statement):
        is_known = row.data == "known" and row.cause is None
        (known if is_known else unknown).add(DeviceKey(row.site, row.device))
    return known, unknown


def _in_maintenance(unit: Unit, now_ms: int) -> set[DeviceKey]:
    everything = suppressions.load(unit, now_ms).by_id.values()
    running = [each for each in everything if each.kind == "maintenance" and each.applies(now_ms)]
    return {key for keys in suppressions.matched(unit, running).values() for key in keys}


def _open_incidents(unit: Unit, keys: Collection[DeviceKey]) -> dict[DeviceKey, tuple[int, str]]:
    whose = is_pair((incident.c.site, incident.c.device), keys)
    statement = (
        select(
            incident.c.site, incident.c.device, func.count().label("n"), func.min(incident.c.priority).label("worst")
        )
        .where(incident.c.state.in_([state.value for state in OPEN]), whose)
        .group_by(incident.c.site, incident.c.device)
    )
    return {DeviceKey(row.site, row.device): (row.n, row.worst) for row in unit.connection.execute(statement)}
