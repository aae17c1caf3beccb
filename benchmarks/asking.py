"""Questions to a running API over HTTP, each asked many times with other values, and how long answers took."""

import http.client
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from benchmarks.story import PEOPLE, PER_SITE, RULES, SERVICES, SITES, device_of
from iotops.api.paging import encode_cursor
from iotops.durations import format_instant

_HOUR_MS = 3_600_000
_BUSY, _OVERTAKEN = 503, 412
_PATIENCE = 20
_KEPT_S = 1.0  # the server closes what is quiet for some seconds


class Client:
    """One connection that stays open, as a page or a script has it."""

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._answered_s = 0.0

    def ask(
        self, path: str, method: str = "GET", body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[float, Any, Mapping[str, str]]:
        """Return how long an answer took (ms), the answer, and its headers; a busy database is asked again at once.

        Raises:
            RuntimeError: the answer is no success.
        """
        start = time.perf_counter()
        for _ in range(_PATIENCE):
            status, text, said = self._once(path, method, body, headers or {})
            if status != _BUSY:
                break
        took_ms = (time.perf_counter() - start) * 1_000
        if status not in (200, 201):
            raise RuntimeError(f"{method} {path}: {status} {text[:500]!r}")
        return took_ms, json.loads(text) if "json" in said.get("content-type", "") else text, said

    def act(self, place: str, action: str, body: object, version: str) -> tuple[float, str]:
        """Do something to the version of an incident that was read; returns how long it took (ms), and its next one.

        Where somebody was faster, or the database busy, it is read and tried again, and all of that counts.

        Raises:
            RuntimeError: the answer is no success.
        """
        start = time.perf_counter()
        for _ in range(_PATIENCE):
            status, text, said = self._once(f"{place}/{action}", "POST", body or {}, {"If-Match": version})
            if status == _OVERTAKEN:
                version = self.ask(place)[2]["etag"]
            elif status != _BUSY:
                break
        if status not in (200, 201):
            raise RuntimeError(f"{place}/{action}: {status} {text[:500]!r}")
        return (time.perf_counter() - start) * 1_000, said["etag"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _once(
        self, path: str, method: str, body: object, headers: Mapping[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if time.monotonic() - self._answered_s > _KEPT_S:
            self._connection.close()  # the server may have closed it; the next request opens another one
        sent = None if body is None else json.dumps(body).encode()
        self._connection.request(method, path, sent, {**self._headers, **headers})
        answer = self._connection.getresponse()
        text = answer.read()
        self._answered_s = time.monotonic()
        return answer.status, text, {name.lower(): value for name, value in answer.headers.items()}


@dataclass(frozen=True)
class Sought:
    """What questions are made of: how many incidents there are, and the times between which they were raised."""

    incidents: int
    first_ms: int
    last_ms: int
    chance: random.Random

    def number(self) -> str:
        """Return any incident."""
        return f"INC-{self.chance.randint(1, self.incidents):06d}"

    def instant_ms(self) -> int:
        """Return any time at which incidents were raised."""
        return self.chance.randint(self.first_ms, self.last_ms)

    def device(self) -> str:
        """Return the name of any device."""
        return device_of(self.chance.randrange(SITES * PER_SITE)).device

    def of(self, name: str, count: int, width: int = 2) -> str:
        """Return one of things that are numbered."""
        return f"{name}{self.chance.randrange(count):0{width}d}"


Question = Callable[[Sought], str]
"""Makes the query of one request."""


def _after(order: str, *key: object) -> str:
    return f"&cursor={encode_cursor(order, key)}"


def _between(sought: Sought) -> str:
    at_ms = sought.instant_ms()
    return f"?since={format_instant(at_ms - 24 * _HOUR_MS)}&until={format_instant(at_ms)}"


def _word(sought: Sought, *words: str) -> str:
    return quote(sought.chance.choice(words))


_STATES = ("new", "in_progress", "on_hold", "resolved", "closed", "cancelled")
_OPEN = "state=new&state=in_progress&state=on_hold"
LISTS: Mapping[str, Question] = {
    "default": lambda _: "",
    "200 at once": lambda _: "?limit=200",
    "open": lambda _: f"?{_OPEN}",
    "open, by priority": lambda _: f"?{_OPEN}&sort=-priority,raised_at",
    "open, by severity": lambda _: f"?{_OPEN}&sort=-severity,raised_at",
    "open of a site": lambda s: f"?{_OPEN}&site={s.of('site-', SITES, 3)}",
    "open of a person": lambda s: f"?{_OPEN}&assignee={s.of('person-', PEOPLE)}",
    "open P1": lambda _: f"?{_OPEN}&priority=P1",
    "one state": lambda s: f"?state={s.chance.choice(_STATES)}",
    "one priority": lambda s: f"?priority=P{s.chance.randint(1, 5)}",
    "site": lambda s: f"?site={s.of('site-', SITES, 3)}",
    "service": lambda s: f"?service={s.of('service-', SERVICES)}",
    "device": lambda s: f"?device={s.device()}",
    "rule": lambda s: f"?rule={s.of('bench_rule_', RULES)}",
    "assignee": lambda s: f"?assignee={s.of('person-', PEOPLE)}",
    "problem": lambda _: "?problem=PRB-000001",
    "site, rule, priority": lambda s: f"?site={s.of('site-', SITES, 3)}&rule={s.of('bench_rule_', RULES)}&priority=P2",
    "a day": _between,
    "a day of a service": lambda s: f"{_between(s)}&service={s.of('service-', SERVICES)}",
    "q, a device": lambda s: f"?q={s.device()}",
    "q, a frequent word": lambda s: f"?q={_word(s, 'temperature', 'door open', 'Battery')}",
    "q, nothing like it": lambda s: f"?q={_word(s, 'nowhere', 'zeppelin', 'unit-99999')}",
    "q, a number": lambda s: f"?q={s.number()}",
    "q among open ones": lambda s: f"?{_OPEN}&q={_word(s, 'pressure falls', 'zeppelin')}",
    "sort=raised_at": lambda _: "?sort=raised_at",
    "sort=number": lambda s: f"?sort={_word(s, 'number', '-number')}",
    "sort=-priority": lambda s: f"?sort={_word(s, 'priority', '-priority')}",
    "sort=-priority,raised_at": lambda _: "?sort=-priority,raised_at",
    "sort=-severity": lambda s: f"?sort={_word(s, 'severity', '-severity')}",
    "sort=state": lambda s: f"?sort={_word(s, 'state', '-state')}",
    "sort=state,-priority,raised_at": lambda _: "?sort=state,-priority,raised_at",
    "site, sort=-priority": lambda s: f"?site={s.of('site-', SITES, 3)}&sort=-priority,-raised_at",
    "deep page": lambda s: "?" + _after("-raised_at", s.instant_ms(), s.incidents)[1:],
    "deep page of a state": lambda s: "?state=closed" + _after("-raised_at", s.instant_ms(), s.incidents),
    "deep page by priority": lambda s: (
        "?sort=-priority,raised_at" + _after("-priority,raised_at", "P3", s.instant_ms(), s.incidents)
    ),
    "deep page of open ones": lambda s: f"?{_OPEN}" + _after("-raised_at", s.last_ms - _HOUR_MS, s.incidents),
}
"""What lists of incidents are asked for: each filter and each order of the contract, alone and together."""

OTHERS: Mapping[str, Question] = {
    "alerts": lambda _: "/api/v1/alerts",
    "alerts firing": lambda _: "/api/v1/alerts?state=firing",
    "alerts firing at a site": lambda s: f"/api/v1/alerts?state=firing&site={s.of('site-', SITES, 3)}",
    "alerts of a rule": lambda s: f"/api/v1/alerts?rule={s.of('bench_rule_', RULES)}",
    "alerts explained by others": lambda _: "/api/v1/alerts?suppressed=true",
    "alerts of an incident": lambda s: f"/api/v1/alerts?incident={s.number()}",
    "alerts, deep page": lambda s: "/api/v1/alerts?" + _after("-began_at", s.instant_ms(), "0")[1:],
    "devices": lambda _: "/api/v1/devices",
    "devices of a site": lambda s: f"/api/v1/devices?site={s.of('site-', SITES, 3)}",
    "devices, q": lambda s: f"/api/v1/devices?q={s.device()}",
    "devices, deep page": lambda s: "/api/v1/devices?" + _after("site,device", s.of("site-", SITES, 3), "a")[1:],
    "counts": lambda _: "/api/v1/incidents/counts",
    "counts, open": lambda _: f"/api/v1/incidents/counts?{_OPEN}",
    "incidents, q of two letters, nothing like it": lambda s: f"/api/v1/incidents?q={_word(s, 'zz', 'qx')}",
    "problem candidates": lambda _: "/api/v1/problems/candidates",
    "similar incidents": lambda s: f"/api/v1/incidents/{s.number()}/similar",
    "suspects": lambda s: f"/api/v1/incidents/{s.number()}/suspects",
    "ingest": lambda _: "/api/v1/ingest",
    "metrics": lambda _: "/metrics",
    "kpis, 30 days": lambda _: "/api/v1/kpis",
    "kpis, 30 days by service": lambda _: "/api/v1/kpis?by=service",
    "kpis, 30 days by day": lambda _: "/api/v1/kpis?by=day",
    "noisy rules": lambda _: "/api/v1/kpis/noisy",
}
"""What else is asked."""


def share(values: Sequence[float], part: float) -> float:
    """Return the value that so large a part of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-part * len(ordered) // 1) - 1))]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, 95th and 99th percentile, and the longest."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    return {name: round(share(values, part), 2) for name, part in shares.items()}
