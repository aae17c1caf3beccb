"""What goes wrong in one run: scheduled faults of the fleet file and the command line, and random ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from iotops.durations import parse_duration
from iotops.telemetry.reading import DeviceKey
from simulators.faults import OUTAGES, Fault
from simulators.faults.fault import HOUR_MS
from simulators.fleet import FaultEntry, Fleet
from simulators.fleetfile import FleetError, names
from simulators.noise import Noise, seed_of
from simulators.population import Member

APART_MS = HOUR_MS  # random faults keep this distance from others on the same device, so that each shows on its own
SOON_MS = 5_000  # a fault of the command line without a time starts this long after the run went live


@dataclass(frozen=True, slots=True)
class Span:
    """The instants of one run, Unix ms: where it begins, when it goes live, and until when faults are planned."""

    start_ms: int
    live_ms: int
    until_ms: int


def plan(fleet: Fleet, members: Sequence[Member], seed: int, span: Span) -> tuple[Fault, ...]:
    """Return every fault of a run in order of its start; those that would have begun before the run are left out.

    Random faults that come too close to another on the same device, or to one of its gateway, are left out too.
    """
    behind = _behind(members)
    kept: list[Fault] = []
    drawn: list[Fault] = []
    for number, entry in enumerate(fleet.faults, start=1):
        if entry.at is None:
            drawn += _drawn(entry, number, members, seed, span)
        else:
            struck = _struck(entry, members, entry.site or _first_site(entry, members))
            kept += [_fault(entry, str(number), member.key, span.live_ms + entry.at) for member in struck]
    by_site: dict[str, list[Fault]] = {}
    for fault in kept:
        by_site.setdefault(fault.key.site, []).append(fault)
    for fault in sorted(drawn, key=lambda fault: (fault.from_ms, fault.id)):
        others = by_site.setdefault(fault.key.site, [])
        if not any(_collide(fault, other, behind) for other in others):
            others.append(fault)
            kept.append(fault)
    kept.sort(key=lambda fault: (fault.from_ms, fault.id))
    return tuple(_with_affected(fault, behind) for fault in kept if fault.from_ms >= span.start_ms)


def parse_fault(text: str, fleet: Fleet) -> FaultEntry:
    """Read `KIND[:DEVICE[:AT[:FOR]]]`; metric, amount and expectations are those of the fleet's entry of that kind.

    AT is relative to going live (`10s`, `-2h`), by default 5 s after it. DEVICE is a glob, or `SITE/DEVICE`.

    Raises:
        FleetError: not of that form, or the fleet has no such fault to take the rest from where it is needed.
    """
    kind, device, at, lasts = [*text.split(":", 3), "", "", ""][:4]
    site, _, name = device.rpartition("/")
    models = [entry for entry in fleet.faults if entry.kind == kind]
    model = next((entry for entry in models if name and entry.device == name), models[0] if models else None)
    taken = {} if model is None else model.model_dump(include={"metric", "amount", "expect", "also", "device"})
    try:
        entry = FaultEntry.model_validate(
            {
                "device": next(names(fleet.groups[0])),
                **taken,
                **({"device": name} if name else {}),
                "kind": kind,
                "site": site or None,
                "at": at or SOON_MS,
                "for": parse_duration(lasts) if lasts else model and model.for_,
            }
        )
    except ValueError as error:
        msg = f"--fault {text!r}: expected KIND[:DEVICE[:AT[:FOR]]] such as offline:gw-01:10s:1m ({error})"
        raise FleetError(msg) from error
    known = {known for group in fleet.groups for known in names(group)}
    if not any(fnmatchcase(device, entry.device) for device in known):
        msg = (
            f"--fault {text!r}: {entry.device!r} matches no device of a site; there are {', '.join(sorted(known)[:8])}"
        )
        raise FleetError(msg)
    return entry


def _struck(entry: FaultEntry, members: Iterable[Member], site: str) -> list[Member]:
    return [m for m in members if fnmatchcase(m.key.device, entry.device) and fnmatchcase(m.key.site, site)]


def _first_site(entry: FaultEntry, members: Iterable[Member]) -> str:
    return next((member.key.site for member in members if fnmatchcase(member.key.device, entry.device)), "")


def _drawn(entry: FaultEntry, number: int, members: Iterable[Member], seed: int, span: Span) -> Iterator[Fault]:
    """Draw faults hour by hour, at most one per hour and device; the hour decides, whatever the run's span."""
    for member in _struck(entry, members, entry.site or "*"):
        noise = Noise(seed_of(seed, "fault", number, *member.key))
        for hour in range(span.start_ms // HOUR_MS, span.until_ms // HOUR_MS + 1):
            if noise.unit(2 * hour) < (entry.rate or 0.0):
                at_ms = hour * HOUR_MS + int(noise.unit(2 * hour + 1) * HOUR_MS)
                yield _fault(entry, f"{number}r{hour}", member.key, at_ms)


def _fault(entry: FaultEntry, number: str, key: DeviceKey, at_ms: int) -> Fault:
    return Fault(
        id=f"{entry.kind}-{number}-{key.site}-{key.device}",
        kind=entry.kind,
        key=key,
        from_ms=at_ms,
        to_ms=at_ms + entry.lasts_ms,
        metric=entry.metric,
        amount=entry.size,
        expect=entry.expect,
        also=tuple(entry.also),
    )


Behind = dict[DeviceKey, tuple[DeviceKey, ...]]
"""Gateway -> the devices that speak through it."""


def _behind(members: Iterable[Member]) -> Behind:
    found: Behind = {}
    for member in members:
        if member.gateway is not None:
            found[member.gateway] = (*found.get(member.gateway, ()), member.key)
    return found


def _with_affected(fault: Fault, behind: Behind) -> Fault:
    affected = behind.get(fault.key, ()) if fault.kind in OUTAGES else ()
    return replace(fault, affects=affected) if affected else fault


def _collide(one: Fault, other: Fault, behind: Behind) -> bool:
    """Tell whether two faults are too close to tell apart."""
    near = one.from_ms < other.to_ms + APART_MS and other.from_ms < one.to_ms + APART_MS
    related = one.key in behind.get(other.key, ()) or other.key in behind.get(one.key, ())
    return near and (one.key == other.key or related)
