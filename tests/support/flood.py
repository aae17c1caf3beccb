"""A company too large to read: thousands of devices, incidents and letters, with names of every kind."""

import json
from typing import Any

from showcase import ANA, HOSTILE, LONG, REVERSED, Showcase
from sqlalchemy import insert

from iotops.clock import now_ms
from iotops.incidents.deadlines import Policy
from iotops.rules.rulefile import load_rules
from iotops.store import dead_letters, incidents, rules, suppressions, tables, tokens, topology
from iotops.store.database import Unit
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message

DEVICES, INCIDENTS, LETTERS, RULES, SITES = 3_000, 3_000, 2_000, 150, 120
BESIDE = 60  # services, silences and tokens
_UNBROKEN = "w" * 64
NAMES = (HOSTILE, REVERSED, LONG[:200], _UNBROKEN, '"><img src=x onerror=alert(1)>{{7*7}}')
_HOUR_MS = 3_600_000


def flood(showcase: Showcase) -> None:
    """Fill a database on top of a day at work."""
    showcase.much(40)
    showcase.plant.process(showcase.plant.message("lyon/pump-3/telemetry", _many_values()))
    with showcase.database.begin() as unit:
        rows = _rows(unit, tables.incident), _rows(unit, tables.device)
        unit.connection.execute(insert(tables.incident), [_incident(rows[0], place) for place in range(INCIDENTS)])
        unit.connection.execute(insert(tables.device), [_device(rows[1][0], place) for place in range(DEVICES)])
        dead_letters.keep(unit, [_letter(place) for place in range(LETTERS)])
        _stories(unit)
        _planned(unit)
    _rules(showcase)
    showcase.beat(devices=DEVICES, rules_loaded=RULES)


def _rows(unit: Unit, table: Any) -> list[dict[str, Any]]:
    return [dict(row) for row in unit.connection.execute(table.select()).mappings()]


def _incident(models: list[dict[str, Any]], place: int) -> dict[str, Any]:
    like, number = models[place % len(models)], 1_000 + place
    named = {"title": f"{NAMES[place % len(NAMES)]} {place}", "device": f"{_UNBROKEN[:50]}{place}", "alert_id": None}
    where = {"site": f"site-{place % SITES}", "service": NAMES[place % len(NAMES)][:64], "assignee": _UNBROKEN}
    raised_ms = now_ms() - place * _HOUR_MS // 4
    return {**like, **named, **where, "id": number, "number": f"INC-{number:06d}", "raised_ms": raised_ms}


def _device(like: dict[str, Any], place: int) -> dict[str, Any]:
    name = NAMES[place % len(NAMES)]
    labels = {"service": name[:64], "gateway": "gw-1", _UNBROKEN[:40]: LONG[:200]}
    named = {"site": f"site-{place % SITES}", "device": f"{name[:40]}{place}", "name": name}
    return {**like, **named, "id": 1_000 + place, "labels_api": labels}


def _letter(place: int) -> DeadLetter:
    name = NAMES[place % len(NAMES)]
    message = Message(f"iot/{name}/{place}", (name * 9).encode(), now_ms() - place)
    return DeadLetter(message, ("bad_json", "bad_topic", "bad_time")[place % 3], name, 0)


def _many_values() -> dict[str, object]:
    return {f"{_UNBROKEN[:40]}{place}": REVERSED if place % 2 else place for place in range(150)}


def _stories(unit: Unit) -> None:
    """Have one incident talked about more than anybody reads."""
    for place in range(300):
        said = NAMES[place % len(NAMES)] * 5
        incidents.act(unit, "3", "comment", ANA, now_ms(), policy=Policy(), note=said, visibility="internal")


def _planned(unit: Unit) -> None:
    at_ms = now_ms()
    for place in range(BESIDE):
        name = f"{NAMES[place % len(NAMES)][:50]} {place}"
        topology.create(unit, "services", f"service-{place}", {"name": name, "supplied_by": ["frostco"]}, at_ms)
        topology.create(unit, "sites", f"site-{place}", {"name": name}, at_ms)
        tokens.create(unit, "viewer", now_ms=at_ms, name=name)
        said = {"kind": "silence", "reason": name, "owner": name, "matcher": {"sites": [name]}, "until_cleared": False}
        times = {"starts_ms": at_ms, "ends_ms": at_ms + _HOUR_MS, "timezone": "UTC"}
        suppressions.create(unit, {**said, **times}, name, at_ms)


def _rules(showcase: Showcase) -> None:
    said = [json.dumps(name + _UNBROKEN) for name in NAMES[:2]]
    text = "rules:\n" + "".join(
        f"  - {{alert: {'r' * 40}_{place}, when: temp > {place}, summary: {said[place % 2]}}}\n"
        for place in range(RULES)
    )
    (showcase.rules / "many.yaml").write_text(text, encoding="utf-8")
    with showcase.database.begin() as unit:
        rules.keep_loaded(unit, load_rules(showcase.rules), now_ms())
