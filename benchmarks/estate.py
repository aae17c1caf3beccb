"""What incidents are about: sites, services, devices, rules and what is promised, as rows."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from benchmarks.measuring import DAY_MS
from benchmarks.story import PER_SITE, PROMISE, RULES, SERVICES, SITES, device_of, service_of
from iotops.store import tables

Rows = list[dict[str, Any]]


def estate(now_ms: int) -> Iterator[tuple[Table, Rows]]:
    """Yield tables with their rows, those that others refer to first."""
    layers = {"file": None, "version": 1, "updated_ms": now_ms}
    sites = ({"id": f"site-{number:03d}", "name": f"Site {number}"} for number in range(SITES))
    yield (
        tables.site,
        [{**each, "timezone": None, "calendar": None, "api": {"name": each["name"]}, **layers} for each in sites],
    )
    yield tables.service, [_service(number, layers) for number in range(SERVICES)]
    yield tables.sla_policy, [_policy(layers)]
    yield tables.sla_edition, [{"digest": PROMISE.digest, "kept_ms": now_ms, "content": PROMISE.content}]
    yield tables.rule, [_rule(f"bench_rule_{number:02d}", now_ms) for number in range(RULES)]
    yield tables.device, [_device(place, now_ms) for place in range(SITES * PER_SITE)]
    yield tables.presence, [_presence(place, now_ms) for place in range(SITES * PER_SITE)]


def _service(number: int, layers: dict[str, Any]) -> dict[str, Any]:
    mine = {"id": f"service-{number:02d}", "name": f"Service {number}", "criticality": "ABC"[number % 3]}
    said = {**mine, "team": f"team-{number % 8}"}
    return {**said, "sla_policy": None, "runbook": None, "api": said, **layers}


def _policy(layers: dict[str, Any]) -> dict[str, Any]:
    minutes = {"respond_minutes": PROMISE.respond_minutes, "resolve_minutes": PROMISE.resolve_minutes}
    said = {**minutes, "pause_on": PROMISE.pause_on}
    return {"id": PROMISE.policy, "name": "All", "calendar": None, **said, "api": said, **layers}


def _rule(name: str, now_ms: int) -> dict[str, Any]:
    said = {"file": "bench.yaml", "line": 1, "title": name, "source": "when: value > 50", "mode": "live"}
    hashes = {"semantic_hash": "89e6", "full_hash": "3f78", "error": None, "error_count": 0}
    return {"id": name, **said, **hashes, "state": "loaded", "loaded_ms": now_ms, "last_fired_ms": now_ms}


def _device(place: int, now_ms: int) -> dict[str, Any]:
    key = device_of(place)
    labels = {"type": "unit", "model": f"m{place % 12}", "gateway": str(device_of(place - place % PER_SITE))}
    service = service_of(place)
    return {
        "id": place + 1,
        "site": key.site,
        "device": key.device,
        "name": f"Unit {place}",
        "labels_status": {"firmware": "2.1"},
        "labels_file": {},
        "labels_api": labels if service is None else {**labels, "service": service},
        "lifecycle": "active",
        "trust_status": False,
        "first_seen_ms": now_ms - 400 * DAY_MS,
        "first_connected_ms": 0,
        "updated_ms": now_ms - 300 * DAY_MS,
    }


def _presence(place: int, now_ms: int) -> dict[str, Any]:
    seen = {"last_seen_ms": now_ms, "last_event_ms": now_ms, "online": True, "online_ms": now_ms}
    return {"device_id": place + 1, **seen, "position": None, "boots": None}
