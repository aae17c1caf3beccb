"""A fleet's telemetry with everything that goes wrong on the way: disorder, duplicates, gaps, null, NaN, restarts."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

START_MS = 1_767_225_600_000
MINUTE_MS = 60_000
DEVICES = 20
BOOT_MINUTES = 700  # a device starts again so often, and counts from 1 again

RULES = """
metrics:
  temp: {kind: gauge, every: 1m, valid: [-60, 80]}
  water: {kind: counter, every: 1m}
rules:
  - alert: hot
    when: {warning: temp > 30, critical: temp > 34}
    for: {warning: 5m, critical: 2m}
    until: temp < 25
    keep_firing_for: 2m
  - alert: jumpy
    when: count(temp[5] > 30) >= 3
    severity: info
  - alert: warm_lately
    when: avg(temp[10m]) > 28
    unless: firing(hot)
  - alert: in_order
    when: temp > 30
    for: 4m
    lateness: 2m
  - alert: leak
    when: increase(water[10m]) > 12
  - alert: cold_then_hot
    sequence: [{when: temp < 22}, {when: temp > 33, within: 30m}, {not: temp < 30, within: 4m}]
    until: temp < 24
  - alert: many_hot
    per: site
    when: devices(temp > 30) >= 12
    for: 100s
    stale: 200s
    severity: critical
  - alert: warm_then_hot
    per: site
    sequence:
      - when: devices(temp > 28) >= 10
      - {when: devices(temp > 30) >= 12, within: 30m}
      - {not: devices(temp < 20) >= 8, within: 3m}
    until: devices(temp > 28) < 8
    stale: 200s
  - alert: silent
    when: age() >= 3 * every
  - alert: offline
    when: not online
"""
BY_EVENT_TIME = frozenset({"hot", "jumpy", "warm_lately", "leak", "cold_then_hot"})
"""Rules that devices' own times decide alone. The others also go by the clock of the connection, which runs on while
ingest is started again and until somebody looks: `age()`, `online`, a group's clock, waiting for late samples."""
PATIENT = frozenset({"warm_lately"})
"""Rules whose incidents wait for a cause: a day goes by in a minute here, and many a wait unseen."""


class Sent(NamedTuple):
    """One message: what it is about, and its row of the ledger but for the digest (None: not one of the ledger's)."""

    topic: str
    payload: str
    counted: tuple[str, str, int, int] | None


def messages() -> Iterator[tuple[Sent, ...]]:
    """Yield the rounds of an endless fleet, a minute each; the same ones each time."""
    chance = random.Random(8)
    held: list[Sent] = []
    minute = 0
    while True:
        minute += 1
        found: list[Sent] = []
        for number in range(DEVICES):
            found += _presence(number, minute)
            sent = _report(number, minute, chance)
            roll = chance.random()
            if roll < 0.03 or (minute + 20 * number) % 400 < 8:
                continue  # lost; or silent for eight minutes
            if roll < 0.08:
                held.append(sent)
            else:
                found.append(sent)
            if roll > 0.95:
                found.append(sent)
        late = [sent for sent in held if chance.random() < 0.5]
        held = [sent for sent in held if sent not in late]
        yield (*found, *late)


def last_message() -> Sent:
    """Return what a device says that is heard once: everything before it has been received, then."""
    body = {"ts": START_MS, "boot": "end", "seq": 1, "done": 1}
    return Sent("iot/site/end/telemetry", json.dumps(body), ("end", "end", 1, START_MS))


def _report(number: int, minute: int, chance: random.Random) -> Sent:
    warm = (minute // (20 + number)) % 2
    temp: Any = (33 + number % 3 if warm else 20 + number % 3) + chance.choice((0, 0, 0, 1.5, -1.5))
    roll = chance.random()
    if roll < 0.02:
        temp = chance.choice((None, 999, "warm"))
    elif roll < 0.03:
        temp = float("nan")  # the message as a whole is a dead letter
    at_ms, boot, seq = START_MS + minute * MINUTE_MS, f"b{minute // BOOT_MINUTES}", minute % BOOT_MINUTES + 1
    water = minute * (1 + number % 2) if number % 4 else minute % 97
    body = {"ts": at_ms, "boot": boot, "seq": seq, "temp": temp, "water": water}
    return Sent(f"iot/site/d{number}/telemetry", json.dumps(body), (f"d{number}", boot, seq, at_ms))


def _presence(number: int, minute: int) -> list[Sent]:
    """Return the status of a device that is offline for a while now and then."""
    place = (minute + 31 * number) % 300
    if number % 5 or place not in (100, 130):
        return []
    body = {"ts": START_MS + minute * MINUTE_MS, "state": "offline" if place == 100 else "online"}
    return [Sent(f"iot/site/d{number}/status", json.dumps(body), None)]
