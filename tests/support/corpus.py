"""A fleet's telemetry with everything that goes wrong on the way: disorder, duplicates, gaps, null, NaN, restarts."""

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

START_MS = 1_767_225_600_000
ROUND_MS = 600_000
"""From one report of a device to its next.

Rules of groups and of silence, and those that wait for late samples, also go by the clock of the connection. It runs on
while a fleet that publishes faster than its time goes by stands still for a test. Here nothing comes due within five
minutes of a report but at the report's own time, and no test waits as long.
"""
DEVICES = 20
LATE = range(15, 20)
BOOT_ROUNDS = 700  # a device starts again so often, and counts from 1 again

RULES = """
metrics:
  temp: {kind: gauge, every: 10m, valid: [-60, 80]}
  water: {kind: counter, every: 10m}
rules:
  - alert: hot
    when: {warning: temp > 30, critical: temp > 34}
    for: {warning: 50m, critical: 20m}
    until: temp < 25
    keep_firing_for: 20m
  - alert: jumpy
    when: count(temp[5] > 30) >= 3
    severity: info
  - alert: warm_lately
    when: avg(temp[100m]) > 28
    unless: firing(hot)
  - alert: in_order
    when: temp > 30
    for: 40m
    lateness: 25m
  - alert: leak
    when: increase(water[100m]) > 12
  - alert: cold_then_hot
    sequence: [{when: temp < 22}, {when: temp > 33, within: 300m}, {not: temp < 30, within: 40m}]
    until: temp < 24
  - alert: many_hot
    per: site
    when: devices(temp > 30) >= 12
    for: 15m
    stale: 35m
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
IN_ORDER = frozenset({"in_order"})
"""Rules that wait for late samples, for longer than nineteen minutes."""
OF_SILENCE = frozenset({"silent"})
"""Rules about `age()`, which does not run while nobody listens: silence is noticed later by that, or not any more."""
OF_NUMBERS = frozenset({"data_gap"})
"""The built-in rule about messages that never came: for how long they may yet come is a matter of listening, too."""
PATIENT = frozenset({"warm_lately", "silent"})
"""Rules whose incidents wait for a cause, or are taken into that of `offline`: days go by in a minute here, and many a
wait unseen."""


class Sent(NamedTuple):
    """One message: what it is about, and its row of the ledger but for the digest (None: not one of the ledger's)."""

    topic: str
    payload: str
    counted: tuple[str, str, int, int] | None


def messages() -> Iterator[tuple[Sent, ...]]:
    """Yield the rounds of an endless fleet, one report of each device; the same ones each time."""
    chance = random.Random(8)
    held: list[Sent] = []
    round_no = 0
    while True:
        round_no += 1
        found: list[Sent] = []
        for number in range(DEVICES):
            found += _presence(number, round_no)
            sent = _report(number, round_no, chance)
            roll = chance.random()
            if roll < 0.03 or (round_no + 20 * number) % 400 < 8:
                continue  # lost; or silent for eight rounds
            if roll < 0.08:
                held.append(sent)
            else:
                found.append(sent)
            if roll > 0.95:
                found.append(sent)
        late = [sent for sent in held if chance.random() < 0.5]
        held = [sent for sent in held if sent not in late]
        yield (*found, *late)


def lived(rounds: int) -> list[tuple[int, Sent]]:
    """Return the same messages of some rounds as of devices whose time is ours, in the order of arrival, and when.

    A quarter of the fleet reports at once. What is late comes nineteen minutes later, of devices of the site `late`;
    what would be later still, or is of another device, is lost.
    """
    chance = random.Random(3)
    found: list[tuple[int, Sent]] = []
    for number, together in zip(range(1, rounds + 1), messages(), strict=False):
        for sent in together:
            body = json.loads(sent.payload)
            device = int(sent.topic.split("/")[2][1:])
            behind = number - (body["ts"] - START_MS) // ROUND_MS
            if behind > (device in LATE):
                continue
            own_ms = body["ts"] + device % 4 * 25_000 + device * 40 + (0 if "state" in body else 10)
            arrives_ms = START_MS + number * ROUND_MS + 550_000 if behind else own_ms
            topic = sent.topic.replace("/site/", "/late/") if device in LATE else sent.topic
            sent_then = Sent(topic, json.dumps({**body, "ts": own_ms}), None)
            found.append((arrives_ms + chance.randrange(20, 270), sent_then))
    return sorted(found, key=lambda each: each[0])


def last_messages(rounds: int) -> Iterator[Sent]:
    """Yield what all devices say a while after some rounds, so that whatever was due by then has run.

    The last one is of a device that is heard once: everything before it has been received, then. It is of another site,
    because a new device belongs to its site's groups, as unknown, from the batch on that brings its first message.
    """
    at_ms = START_MS + rounds * ROUND_MS + ROUND_MS // 4
    body = {"ts": at_ms, "boot": "end", "seq": 1, "done": 1}
    for name in (f"d{number}" for number in range(DEVICES)):
        yield Sent(f"iot/site/{name}/telemetry", json.dumps(body), (name, "end", 1, at_ms))
    yield Sent("iot/elsewhere/end/telemetry", json.dumps(body), None)


def _report(number: int, round_no: int, chance: random.Random) -> Sent:
    warm = (round_no // (20 + number)) % 2
    temp: Any = (33 + number % 3 if warm else 20 + number % 3) + chance.choice((0, 0, 0, 1.5, -1.5))
    roll = chance.random()
    if roll < 0.02:
        temp = chance.choice((None, 999, "warm"))
    elif roll < 0.03:
        temp = float("nan")  # the message as a whole is a dead letter
    at_ms, boot, seq = START_MS + round_no * ROUND_MS, f"b{round_no // BOOT_ROUNDS}", round_no % BOOT_ROUNDS + 1
    water = round_no * (1 + number % 2) if number % 4 else round_no % 97
    body = {"ts": at_ms, "boot": boot, "seq": seq, "temp": temp, "water": water}
    return Sent(f"iot/site/d{number}/telemetry", json.dumps(body), (f"d{number}", boot, seq, at_ms))


def _presence(number: int, round_no: int) -> list[Sent]:
    """Return the status of a device that is offline for a while now and then."""
    place = (round_no + 31 * number) % 300
    if number % 5 or place not in (100, 130):
        return []
    body = {"ts": START_MS + round_no * ROUND_MS, "state": "offline" if place == 100 else "online"}
    return [Sent(f"iot/site/d{number}/status", json.dumps(body), None)]
