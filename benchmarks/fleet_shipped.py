"""The other workload: devices such as the shipped rules are about, that say something every ten seconds."""

import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from iotops.rules.device import DeviceFacts
from iotops.rules.rule import RuleSet
from iotops.rules.rulefile import load_rules
from iotops.telemetry.batch import Batch
from iotops.telemetry.reading import DeviceKey, Reading

EVERY_MS: Final = 10_000
HOUR: Final = 360  # readings of a device
_RULES: Final = Path(__file__).parent.parent / "rules"
_Says = Callable[[int, random.Random], Mapping[str, Any]]


def _pump(number: int, chance: random.Random) -> Mapping[str, Any]:
    shaking = 8.0 if number % 1_000 < 90 else 2.0  # for a quarter of an hour, every three hours
    return {
        "rpm": 1_450 + round(chance.gauss(0, 5)),
        "vibration": round(chance.gauss(shaking, 0.2), 2),
        "flow": round(chance.gauss(20, 1), 2),
        "amps": round(chance.gauss(12, 0.4), 2),
        "bearing_temp": round(chance.gauss(55, 1), 1),
        "uptime": number * 10,
    }


def _tank(_number: int, chance: random.Random) -> Mapping[str, Any]:
    return {
        "level": round(chance.gauss(60, 0.3), 2),
        "inflow": round(chance.gauss(3, 0.1), 2),
        "outflow": round(chance.gauss(3, 0.1), 2),
    }


def _compressor(_number: int, chance: random.Random) -> Mapping[str, Any]:
    return {
        "pressure": round(chance.gauss(7.2, 0.1), 2),
        "duty": round(chance.gauss(60, 3), 1),
        "oil_temp": round(chance.gauss(80, 1), 1),
        "motor_power": round(chance.gauss(30, 1), 1),
    }


def _freezer(number: int, chance: random.Random) -> Mapping[str, Any]:
    return {
        "temp": round(chance.gauss(-20, 0.3), 1),
        "door": "open" if number % 200 == 0 else "closed",
        "compressor": "on",
        "power": round(chance.gauss(200, 5), 1),
    }


def _pos(number: int, chance: random.Random) -> Mapping[str, Any]:
    return {
        "response": round(chance.gauss(200, 20)),
        "paper": max(10, 100 - number % 9_000 / 100),
        "transactions": number,
    }


def _gateway(_number: int, chance: random.Random) -> Mapping[str, Any]:
    return {"rssi": round(chance.gauss(-60, 2)), "clients": 5, "cpu": round(chance.gauss(20, 3), 1)}


_KINDS: Final[Mapping[str, _Says]] = {
    "pump": _pump,
    "tank": _tank,
    "compressor": _compressor,
    "freezer": _freezer,
    "pos": _pos,
    "gateway": _gateway,
}


def shipped_rules() -> RuleSet:
    """Return the rule library as it ships."""
    return load_rules(_RULES)


def devices(count: int, start_ms: int) -> list[DeviceFacts]:
    """Return devices on 20 sites, as many of each kind."""
    found = []
    for number in range(count):
        kind = tuple(_KINDS)[number % len(_KINDS)]
        key = DeviceKey(f"s{number % 20:02}", f"{kind}-{number}")
        labels = {"site": key.site, "device": key.device, "name": key.device, "type": kind, "gateway": "gateway-5"}
        found.append(DeviceFacts(key, labels, registered_ms=start_ms))
    return found


def hours(known: list[DeviceFacts], count: int, start_ms: int, at_once: int = 1) -> Iterator[Batch]:
    """Yield batches of so many hours `at_once` in order of event time, `count` hours in all."""
    chance = random.Random(2)
    for hour in range(0, count, at_once):
        readings = []
        for number in range(hour * HOUR, (hour + at_once) * HOUR):
            for place, facts in enumerate(known):
                at_ms = start_ms + number * EVERY_MS + place * EVERY_MS // len(known)
                values = _KINDS[facts.labels["type"]](number, chance)
                readings.append(Reading(facts.key, at_ms, at_ms + 20, values, connected_ms=at_ms + 20 - start_ms))
        yield Batch(readings)
