"""The workload: 1 000 devices on 20 sites that say three metrics every ten seconds, and rules for them."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey

SITES = 20
DEVICES = 1_000
EVERY_MS = 10_000
_FILE = 5_000  # rules in a file
WORKLOAD = "1 000 devices, 3 metrics a message, 100 rules of which 5 match each device, 1 % of the readings violating"
_FIVE = """
  - {{alert: pressure_{site}, match: {{site: {site}}}, when: pressure > 9}}
  - alert: temperature_{site}
    match: {{site: {site}}}
    when: {{warning: temperature > 80, critical: temperature > 90}}
    for: {{warning: 1m, critical: 30s}}
  - {{alert: average_{site}, match: {{site: {site}}}, when: "avg(temperature[15m]) > 70"}}
  - {{alert: rate_{site}, match: {{site: {site}}}, when: "rate(count[1h]) > 5"}}
  - {{alert: several_{site}, match: {{site: {site}}}, when: "count(temperature[5] > 80) >= 3"}}"""
_HEAD = """metrics:
  temperature: {unit: °C, kind: gauge}
  pressure: {unit: bar, kind: gauge}
  count: {kind: counter}
rules:"""


class Sent(NamedTuple):
    """One message of a device. `ts`: event time, Unix milliseconds."""

    key: DeviceKey
    seq: int
    ts: int
    payload: bytes

    @property
    def topic(self) -> str:
        """Return where it is published."""
        return f"iot/{self.key.site}/{self.key.device}/telemetry"


def rules(others: int = 0, sites: int = SITES) -> dict[str, str]:
    """Return rule files: 5 rules for each site, and so many about metrics that nobody sends."""
    found = {"bench.yaml": _HEAD + "".join(_FIVE.format(site=f"s{site:02}") for site in range(sites)) + "\n"}
    for first in range(0, others, _FILE):
        some = range(first, min(first + _FILE, others))
        lines = [f"  - {{alert: other_{number}, when: other_{number} > {number}}}\n" for number in some]
        found[f"others-{first}.yaml"] = "rules:\n" + "".join(lines)
    return found


def sent(
    count: int, end_ms: int, devices: int = DEVICES, every_ms: int = EVERY_MS, sites: int = SITES
) -> Iterator[Sent]:
    """Yield messages in the order of their event times, the last at `end_ms`; the same ones for the same arguments."""
    chance = random.Random(1)
    first_ms = end_ms - (count - 1) * every_ms // devices
    for number in range(count):
        seq, device = divmod(number, devices)
        ts = first_ms + number * every_ms // devices
        violates = chance.random() < 0.01
        temperature = 95.0 if violates else round(chance.gauss(40, 5), 2)
        pressure = 10.0 if violates else round(chance.gauss(5, 0.5), 3)
        payload = (
            f'{{"ts":{ts},"boot":"b1","seq":{seq},"temperature":{temperature},"pressure":{pressure},"count":{seq * 7}}}'
        )
        yield Sent(DeviceKey(f"s{device % sites:02}", f"device-{device:04}"), seq, ts, payload.encode())


def batches(
    count: int, end_ms: int, size: int, devices: int = DEVICES, every_ms: int = EVERY_MS
) -> Iterator[list[Message]]:
    """Yield the same as messages that arrived 20 ms after their event time."""
    found: list[Message] = []
    start_ms = 0
    for each in sent(count, end_ms, devices, every_ms):
        start_ms = start_ms or each.ts
        found.append(Message(each.topic, each.payload, each.ts + 20, each.ts - start_ms + 20))
        if len(found) == size:
            yield found
            found = []
    if found:
        yield found
