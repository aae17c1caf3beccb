"""A company's devices and what became of them lately, for pages to show: the real pipeline over made-up readings."""

import json
import math
from pathlib import Path

from plant import MINUTE_MS, Plant

from iotops.clock import now_ms
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.rules.rule import Severity
from iotops.store import heartbeats, incidents, sla, topology
from iotops.store.database import Database
from iotops.store.heartbeats import Heartbeat

ANA = Actor("token", "ana")
HOSTILE = "<script>document.title='owned'</script>"
REVERSED = "gnp.\u202egpj.exe \u2066inner"  # what follows the override is shown from right to left
LONG = "a name of ten thousand characters " * 300

RULES = """# Cold rooms and pumps.
metrics:
  temp: {unit: °C, kind: gauge, valid: [-60, 80]}
  power: {unit: W, kind: gauge}
  vibration: {unit: mm/s, kind: gauge}

rules:
  - alert: freezer_warm
    match: {type: freezer}
    params: {warn: -15, crit: -10}
    when:
      warning: temp > warn
      critical: temp > crit
    for: {warning: 10m, critical: 2m}
    until: temp < -17
    summary: ${name} at ${temp:.1f} °C (limit ${warn} °C)
    runbook: https://wiki.example/freezers
    labels: {team: cold-chain}
  - alert: pump_vibration
    match: {type: pump}
    when: max(vibration[5m]) > 7
    for: 3m
    severity: critical
    summary: ${name} shakes at ${vibration:.1f} mm/s
    labels: {team: mechanics}
"""
DEVICES = """devices:
  - {site: paris-north, device: gw-1, name: Gateway 1, type: gateway, model: EdgeBox 3, firmware: 2.4.1}
  - {site: paris-north, device: fz-12, name: Freezer 12, type: freezer, gateway: gw-1, service: cold, model: Frost 200}
  - {site: paris-north, device: fz-13, name: Freezer 13, type: freezer, gateway: gw-1, service: cold, model: Frost 200}
  - {site: lyon, device: pump-3, name: Pump 3, type: pump, service: cooling, model: Aqua 7, firmware: 5.0.3}
  - {site: lyon, device: pump-4, name: Pump 4, type: pump, service: cooling, model: Aqua 7, firmware: 5.0.3}
"""
SERVICES = """sites:
  - {id: paris-north, name: Paris North, timezone: Europe/Paris}
  - {id: lyon, name: Lyon, timezone: Europe/Paris}
suppliers:
  - {id: frostco, name: FrostCo Service, contact: dispatch@frostco.example}
services:
  - {id: store, name: Store operations, criticality: A, runs_on: [cold]}
  - id: cold
    name: Cold storage
    criticality: A
    team: cold-chain
    runbook: "Move the goods to the next freezer. Then look at door and compressor."
    supplied_by: [frostco]
  - {id: cooling, name: Process cooling, criticality: B, team: mechanics}
"""


class Showcase:
    """Fills a database; how much is the caller's choice. `minutes` before now are counted from the whole minute."""

    def __init__(self, database: Database, folder: Path, *, history_minutes: int = 150) -> None:
        self.database = database
        self.rules = folder / "rules"
        self.rules.mkdir(exist_ok=True)
        for name, text in (("cold.yaml", RULES), ("devices.yaml", DEVICES), ("services.yaml", SERVICES)):
            (self.rules / name).write_text(text, encoding="utf-8")
        self.history = history_minutes
        self.end_ms = now_ms() // MINUTE_MS * MINUTE_MS
        self.plant = Plant(database, self.rules, now_ms=self.end_ms - history_minutes * MINUTE_MS)

    def little(self) -> None:
        """A day at work: one freezer warms, one pump shakes again, and somebody reports a till that stands still."""
        self.promise({"P1": 5, "P2": 15, "P3": 30}, {"P1": 60, "P2": 240, "P3": 480})
        self.play(self.history - 92)
        self.resolves_the_pump()
        self.play(92)
        with self.database.begin() as unit:
            facts = {"site": "paris-north", "device": "till-4", "note": "the queue reaches the door"}
            self.raised(unit, "Till 4 stands still", minutes_ago=9, severity=Severity.WARNING, **facts)
        self.beat()
        self.follow()

    def much(self, count: int = 300) -> None:
        """More than anybody reads at once, in all states, with names of every kind."""
        self.little()
        with self.database.begin() as unit:
            for place in range(count):
                number = self.raised(
                    unit,
                    (HOSTILE, REVERSED, LONG[:200], f"Router {place} does not answer")[min(place, 3)],
                    minutes_ago=10 + place * 7,
                    severity=(Severity.CRITICAL, Severity.WARNING, Severity.INFO)[place % 3],
                    site=("paris-north", "lyon", f"branch-{place % 12:02}")[place % 3],
                    device=f"router-{place}",
                )
                at_ms = self.end_ms - (9 + place * 7) * MINUTE_MS
                if place % 4 == 1:
                    incidents.act(unit, number, "assign", ANA, at_ms, policy=Policy(), assignee="ana")
                if place % 8 == 5:
                    incidents.act(unit, number, "hold", ANA, at_ms, policy=Policy(), reason="supplier")
        self.follow()

    def promise(self, respond_minutes: dict[str, int], resolve_minutes: dict[str, int]) -> None:
        """Promise something of every incident from now on."""
        said = {"respond_minutes": respond_minutes, "resolve_minutes": resolve_minutes, "pause_on": ["supplier"]}
        with self.database.begin() as unit:
            topology.create(unit, "sla-policies", "default", said, self.plant.now_ms)

    def play(self, minutes: int) -> None:
        """Have time go by, and every device say something each minute."""
        for _ in range(minutes):
            self.plant.wait(MINUTE_MS)
            self.plant.process(*(self.said(device) for device in READINGS))

    def said(self, device: str):
        """Return what a device says at this minute of the showcase."""
        site, _, name = device.partition("/")
        minute = (self.plant.now_ms - self.end_ms) // MINUTE_MS
        return self.plant.message(f"{site}/{name}/telemetry", READINGS[device](minute))

    def resolves_the_pump(self) -> None:
        """Somebody ends the first incident of the pump and says what it was."""
        said = {"code": "repaired", "cause": "worn bearing", "verdict": "real"}
        with self.database.begin() as unit:
            note = "bearing 2 replaced, 40 minutes"
            incidents.act(unit, "1", "resolve", ANA, self.plant.now_ms, policy=Policy(), note=note, **said)

    def raised(self, unit, title: str, *, minutes_ago: int, **facts) -> str:
        """Have a person raise an incident some minutes ago."""
        at_ms = self.end_ms - minutes_ago * MINUTE_MS
        return incidents.create(unit, ANA, at_ms, title=title, policy=Policy(), **facts).number

    def beat(self, **data) -> None:
        """Have the ingest give a sign of life."""
        healthy = {"ready": True, "reasons": [], "subscribed": True, "rules_loaded": 2, "devices": 5, "lag_ms": 40}
        fresh_ms = now_ms()
        with self.database.begin() as unit:
            told = {**healthy, "last_message_ms": fresh_ms - 2_000, "rules_error": None, **data}
            heartbeats.beat(unit, Heartbeat("ingest", fresh_ms, fresh_ms, told))

    def follow(self) -> None:
        """Let the clocks of promises take in what happened."""
        more = True
        while more:
            with self.database.begin() as unit:
                more = sla.catch_up(unit, now_ms(), near=0.8)


def _freezer(minute: int, *, warms_at: int | None = None) -> dict[str, float]:
    """Return what a freezer says: a slow swing, and from a minute on half a degree warmer each."""
    warmer = 0.0 if warms_at is None else max(0, minute - warms_at) * 0.5
    return {"temp": round(-20 + math.sin(minute / 7) + min(warmer, 14), 2), "power": round(180 + 20 * math.sin(minute))}


def _pump(minute: int, *, bad: tuple[range, ...] = ()) -> dict[str, float]:
    shakes = any(minute in each for each in bad)
    return {"vibration": round(2.4 + 0.6 * math.sin(minute / 3) + (6.2 if shakes else 0), 2)}


READINGS = {
    "paris-north/gw-1": lambda minute: {"clients": 4, "cpu": 21 + json.dumps(minute).count("1")},
    "paris-north/fz-12": lambda minute: _freezer(minute, warms_at=-34),
    "paris-north/fz-13": _freezer,
    "lyon/pump-3": lambda minute: _pump(minute, bad=(range(-120, -90), range(-22, 1))),
    "lyon/pump-4": _pump,
}
"""site/device -> what it says at a minute, 0 being now."""
