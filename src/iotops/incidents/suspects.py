"""Which changes may have caused an incident, the likeliest first, and why."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from iotops.durations import format_duration
from iotops.incidents.change import Change
from iotops.incidents.nearness import Near, Surface, nearness
from iotops.telemetry.reading import DeviceKey

LOOK_BACK_MS = 7 * 86_400_000
"""Changes that were over so long before an incident began are no suspects."""

_HALVED_AFTER_MS = 2 * 3_600_000  # long enough for slow leaks, short enough that the last hour stands out
_UNDER_WAY = 2  # a change that is not over can strike at any time: it grows old so many times slower
_ALONE = 0.3  # what is left of a change that touches none of the others that fail
_TOUCHED = 0.35  # from this nearness on a change is said to touch a device


@dataclass(frozen=True, slots=True)
class Scene:
    """An incident as suspicion sees it.

    Attributes:
        surface: what stands where.
        device: where the fault is; None where no device is named.
        site, service, supplier: named on the incident.
        fired_ms: when it began, in event time.
        affected: devices that fail with it, the incident's own among them.
    """

    surface: Surface
    fired_ms: int
    device: DeviceKey | None = None
    site: str | None = None
    service: str | None = None
    supplier: str | None = None
    affected: frozenset[DeviceKey] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A change, how likely it is the cause (0 to 1, to be compared with other suspects only), and why, in words."""

    change: Change
    score: float
    reasons: tuple[str, ...]


def rank(changes: Iterable[Change], scene: Scene) -> list[Suspect]:
    """Return the changes that may have caused an incident, the likeliest first.

    The score is nearness x share of the failing devices that the change touches x time: a change that is halfway
    around the site counts less than one on the device, and one of yesterday less than one of this hour. Changes
    that began later, were cancelled, or have nothing to do with the incident's place are left out.
    """
    found = (_judge(change, scene) for change in changes if _possible(change, scene))
    suspects = [suspect for suspect in found if suspect is not None]
    return sorted(suspects, key=lambda each: (-each.score, -each.change.started_ms, each.change.number))


def _possible(change: Change, scene: Scene) -> bool:
    over_ms = change.ended_ms if change.ended_ms is not None else change.started_ms
    begun = change.started_ms <= scene.fired_ms and change.state not in ("planned", "cancelled")
    return begun and over_ms >= scene.fired_ms - LOOK_BACK_MS


def _judge(change: Change, scene: Scene) -> Suspect | None:
    near = _near(change, scene.device, scene)
    if near is None:
        return None
    at_ms = _effective_ms(change, scene)
    if at_ms > scene.fired_ms:
        return None
    others = [key for key in scene.affected if key != scene.device]
    touched = (near.weight >= _TOUCHED) + sum(1 for key in others if _touches(change, key, scene))
    share = touched / (1 + len(others))
    age_ms = scene.fired_ms - at_ms
    running = _under_way(change, scene)
    age = age_ms / (_HALVED_AFTER_MS * (_UNDER_WAY if running else 1))
    score = near.weight * (_ALONE + (1 - _ALONE) * share) / (1 + age)
    reasons = [near.words, _when(age_ms, running=running)]
    if others:
        reasons.append(f"touches {touched} of the {len(others) + 1} devices that fail")
    return Suspect(change, round(score, 3), tuple(reasons))


def _near(change: Change, device: DeviceKey | None, scene: Scene) -> Near | None:
    return nearness(change, device, scene.surface, site=scene.site, service=scene.service, supplier=scene.supplier)


def _touches(change: Change, key: DeviceKey, scene: Scene) -> bool:
    near = nearness(change, key, scene.surface, site=key.site)
    return near is not None and near.weight >= _TOUCHED


def _effective_ms(change: Change, scene: Scene) -> int:
    """Return when a change last had an effect: for a device of a roll-out when that changed, else its end or start."""
    if scene.device is not None and scene.device in change.devices:
        return change.devices[scene.device]
    over = change.ended_ms is not None and change.ended_ms <= scene.fired_ms
    return change.ended_ms if over and change.ended_ms is not None else change.started_ms


def _under_way(change: Change, scene: Scene) -> bool:
    if change.ended_ms is None:
        return change.state == "in_progress"
    return change.ended_ms > scene.fired_ms and scene.device not in change.devices


def _when(age_ms: int, *, running: bool) -> str:
    exact_ms = 60_000 if age_ms >= 600_000 else 1_000
    rounded_ms = age_ms // exact_ms * exact_ms
    before = f"{format_duration(rounded_ms)} before it began" if rounded_ms else "just when it began"
    return f"started {before}, and was still under way" if running else before
