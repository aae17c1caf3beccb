"""Replay equality: the log of arrivals, gone through again, gives the transitions that there were."""

from dataclasses import replace

import pytest
from plant import MINUTE_MS, START_MS, seen

from iotops.backtest.judging import judge
from iotops.backtest.question import Question
from iotops.rules.rulefile import load_rules
from iotops.settings import RetentionSettings
from iotops.store import compaction, devices, retention
from iotops.telemetry.reading import DeviceKey

RULES = """
metrics:
  temp: {kind: gauge, valid: [-60, 80]}
  water: {kind: counter}
rules:
  - alert: warm
    match: {type: freezer}
    params: {warn: -15, crit: -10, ok: -18}
    when:
      warning: temp > warn
      critical: temp > crit
    for: {warning: 10m, critical: 5m}
    until: temp < ok
    keep_firing_for: 5m
    unless: firing(gateway_down, gateway)
  - alert: swings
    when: range(temp[30m]) > 9
    for: 30s
  - alert: leak
    when: increase(water[40m]) > 40
  - alert: three_of_five
    when: count(temp[5] > -12) >= 3
  - alert: silent
    when: age() >= 3 * every
    unless: firing(gateway_down, gateway) or firing(offline)
  - alert: offline
    when: not online
    for: 30s
  - alert: several_warm
    per: site
    match: {type: freezer}
    when: devices(temp > warn) >= 2 and share(temp > warn) > 0.3
    params: {warn: -14}
    for: 5m
    until: devices(temp > warn) < 2
    keep_firing_for: 3m
  - alert: unlike_others
    match: {type: freezer}
    when: temp - peers(temp, site) > 6
    for: 4m
    unless: firing(several_warm)
  - alert: cold_then_warm
    match: {type: freezer}
    sequence: [{when: temp < -17}, {when: temp > -13, within: 30m}, {not: temp < -15, within: 10m}]
    until: temp < -16
  - alert: by_day
    when: temp > -13
    active: {times: '06:00-18:00', tz: Europe/Paris}
    keep_firing_for: 2m
  - alert: unusual
    match: {type: freezer}
    when: abs(anomaly(temp)) > 3
  - alert: tried
    mode: shadow
    when: temp > -11
    for: 2m
  - alert: warm_in_order
    match: {type: freezer}
    when: avg(temp[20m]) > -15
    for: 8m
    until: temp < -16
    lateness: 12m
  - alert: silent_in_order
    when: age() >= 3 * every
    unless: firing(offline) or firing(warm_in_order)
    lateness: 1m
  - alert: gateway_down
    match: {type: gateway}
    when: not online
    for: 1m
    keep_firing_for: 2m
    severity: critical
"""
STRICTER = RULES.replace("warn: -15, crit: -10", "warn: -17, crit: -13").replace("firing(offline)", "firing(leak)")
FREEZERS = 8
DAY_MS = 86_400_000
EVERY = 4  # minutes between two reports


def name(number):
    return f"paris/fz-{number}" if number % 2 else f"oslo/fz-{number}"


class Day:
    """A day of a plant in which everything goes wrong that can."""

    def __init__(self, plant):
        self.plant = plant
        self.chance = plant.chance
        self.held = []
        self.sent = []
        self.temps = [-20.0] * FREEZERS

    def run(self):
        plant, chance = self.plant, self.chance
        self.introduce()
        for minute in range(0, 24 * 60, EVERY):
            messages = [found for number in range(FREEZERS) if (found := self.report(number, minute))]
            for batch in self.split(messages):
                plant.process(*batch, drained=chance.random() > 0.1)
                plant.wait(chance.randrange(20, 900))
            self.happen(minute)
            while plant.now_ms < START_MS + (minute + EVERY) * MINUTE_MS:
                plant.wait(chance.choice((200, 30_000, 150_000)))
                if chance.random() < 0.7:
                    plant.process()

    def introduce(self):
        plant = self.plant
        labels = {"state": "online", "type": "freezer"}
        for site in ("paris", "oslo"):
            gateway = {"state": "online", "type": "gateway"}
            plant.process(plant.message(f"{site}/gw/status", gateway, retain=True))
        plant.process(
            *(plant.message(f"{name(number)}/status", labels, retain=number % 3 == 0) for number in range(FREEZERS))
        )

    def report(self, number, minute):
        """Return a freezer's telemetry, perhaps broken, perhaps not now but later, perhaps never."""
        plant, chance = self.plant, self.chance
        self.temps[number] += chance.gauss(0, 2) - (self.temps[number] + 16) * 0.05
        ts = (plant.now_ms - chance.randrange(0, 3_000)) / 1_000
        body = {"ts": ts, "seq": minute, "boot": "b1", "temp": round(self.temps[number], 2)}
        body |= {"water": minute * chance.randrange(1, 4)} if number == 1 else {}
        roll = chance.random()
        if roll < 0.01:
            return plant.message(f"{name(number)}/telemetry", b'{"temp": NaN}')
        if roll < 0.02:
            body["temp"] = chance.choice((None, 999, "warm"))
        if roll < 0.03 or (number == 2 and 300 < minute < 360):
            return None  # lost, or silent for half an hour
        found = plant.message(f"{name(number)}/telemetry", body)
        self.sent.append(found)
        if roll < 0.10:
            self.held.append(found)
            return None
        return found

    def split(self, messages):
        """Return batches: shuffled, with what was held back, and with duplicates."""
        chance, plant = self.chance, self.plant
        if chance.random() < 0.3:
            messages += [plant.message(each.topic[4:], each.payload) for each in self.held]
            self.held.clear()
        if chance.random() < 0.2 and self.sent:
            messages.append(plant.message(self.sent[-1].topic[4:], self.sent[-1].payload))
        chance.shuffle(messages)
        cut = chance.randrange(len(messages) + 1)
        return [messages[:cut], messages[cut:]]

    def happen(self, minute):  # noqa: C901  one line for each thing that goes wrong
        plant = self.plant
        if minute % 240 == 16:
            plant.snapshot()
        if minute in (200, 204, 700):
            plant.restart()
        if minute == 400:
            plant.process(plant.message("oslo/gw/status", b"offline"))
        if minute == 432:
            plant.process(plant.message("oslo/gw/status", b"online"))
        if minute == 500:
            plant.lose_connection(20 * MINUTE_MS)
            retained = [plant.message(f"{name(n)}/status", b"online", retain=True) for n in range(FREEZERS)]
            plant.process(*retained, plant.message("oslo/fz-0/telemetry", {"temp": -3.5}), drained=False)
        if minute == 600:
            self.edit(STRICTER)
        if minute == 652:
            plant.process(plant.message("paris/fz-3/status", b"offline"))
        if minute in (100, 660, 900):
            self.relabel(minute)
        if minute == 1_100:
            plant.process(plant.message("oslo/newcomer/telemetry", {"temp": 4.0}, retain=True))
        if minute == 1_200:
            self.edit(RULES.replace("leak", "flood"))

    def edit(self, text):
        (self.plant.rules / "rules.yaml").write_text(text)
        self.plant.look()
        self.plant.look()

    def relabel(self, minute):
        with self.plant.database.begin() as unit:
            for number in range(FREEZERS):
                key = DeviceKey(*name(number).split("/"))
                labels = {"gateway": "gw"} if minute == 100 else {"type": "room"} if number == 5 else {}
                lifecycle = "retired" if minute == 900 and number == 6 else None
                devices.patch(unit, key, now_ms=self.plant.now_ms, labels=labels, lifecycle=lifecycle)
        self.plant.look()


def replayed(database, *, rules=None, until_ms=2**60, device_ids=None):
    """Return the transitions of a replay, and its answer."""
    found = []
    question = Question(database.secret_url, START_MS, until_ms, (rules,))
    answer = judge(
        database, question, device_ids, watch=lambda _number, _step, transitions: found.extend(map(seen, transitions))
    )
    return found, answer


@pytest.mark.timeout(280)
def test_day_of_everything_replays_without_a_difference(plant, database):
    """Disorder, duplicates, gaps, dead letters, restarts, reloads, labels, outages: the same transitions, in order."""
    ingest = plant(RULES)
    Day(ingest).run()

    found, answer = replayed(database)

    assert found == ingest.log
    assert len(found) > 300
    assert {each[2].key.rule for each in found} == {
        "warm", "swings", "leak", "flood", "three_of_five", "silent", "offline", "gateway_down", "several_warm",
        "unlike_others", "cold_then_warm", "by_day", "unusual", "tried",
        "warm_in_order", "silent_in_order",
    }  # fmt: skip
    assert answer.guessed == 0
    compaction.compact(database, now_ms=ingest.now_ms + 3_600_000 * 2)
    assert replayed(database)[0] == ingest.log


def test_batch_without_a_note_is_judged_as_it_may_have_been(plant, database):
    """Where the log says no more how it was, the same alerts fire, and the answer says that it is a guess."""
    ingest = plant(RULES)
    ingest.process(ingest.message("paris/fz-1/status", {"state": "online", "type": "freezer"}))
    for minute in range(120):
        ingest.process(ingest.message("paris/fz-1/telemetry", {"temp": -20.0 if minute % 60 < 30 else -5.0}))
        ingest.wait(MINUTE_MS)
    compaction.compact(database, now_ms=ingest.now_ms + 3 * 3_600_000)
    rules = load_rules(ingest.rules)
    exact = replayed(database, rules=rules)[1]
    retention.prune(database, RetentionSettings(dead_letters_ms=1, arrivals_ms=0), now_ms=ingest.now_ms)

    guessed = replayed(database, rules=rules)[1]

    assert (exact.guessed, guessed.guessed, guessed.readings) == (0, 121, 121)
    told, assumed = ([each for each in answer.episodes[0] if each.rule == "warm"] for answer in (exact, guessed))
    assert assumed == [replace(each, raised_ms=None) for each in told]
    assert len(told) == 2
