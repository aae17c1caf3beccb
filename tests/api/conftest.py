"""An API over a fresh database, on SQLite and on PostgreSQL, and a client that asks it without a network."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from iotops.api.app import create_app
from iotops.console.app import add_console
from iotops.incidents.correlate import correlate
from iotops.incidents.deadlines import Policy
from iotops.incidents.desk import Surroundings
from iotops.rules.alert import Alert, AlertKey, AlertState, Change, Transition
from iotops.rules.rule import Severity
from iotops.settings import RulesSettings, Settings
from iotops.store import alerts, dead_letters, heartbeats, incidents, telemetry, tokens
from iotops.store.database import Database
from iotops.store.heartbeats import Heartbeat
from iotops.store.registry import Registry
from iotops.store.trails import Trails
from iotops.telemetry.batch import Batch
from iotops.telemetry.decode import DeadLetter
from iotops.telemetry.message import Message
from iotops.telemetry.reading import DeviceKey, Reading

NOW_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


class ApiClient:
    """A blocking client for an ASGI application; `token` goes into every request until it is changed."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner, token: str | None) -> None:
        self.app = app
        self.token = token
        self._runner = runner
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; paths that do not begin at /health, /docs or the like are below /api/v1."""
        return self._runner.run(self._send(method, path, **options))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}".encode())
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://iotops.test", cookies=self.cookies, trust_env=False
        ) as client:
            answer = await client.request(method, path, headers=headers, **options)
            self.cookies = client.cookies
        return answer


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database.open(database_url)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def token(database: Database) -> Callable[..., str]:
    """Make a token and return its text: `token("viewer", site="paris")`."""

    def make(role: str, **options: Any) -> str:
        with database.begin() as unit:
            options.setdefault("name", f"the {role}")
            return tokens.create(unit, role, now_ms=NOW_MS, **options)[1]

    return make


@pytest.fixture
def app(database: Database, tmp_path: Path) -> FastAPI:
    """The API with the console, and one rule file that declares a unit."""
    (tmp_path / "cold.yaml").write_text("metrics:\n  temp: {unit: °C}\nrules: []\n", encoding="utf-8")
    made = create_app(database, Settings(rules=RulesSettings(directory=tmp_path)), version="1.2.3")
    add_console(made)
    return made


@pytest.fixture
def client(app: FastAPI, token: Callable[..., str]) -> Iterator[ApiClient]:
    """A client with an admin's token."""
    with asyncio.Runner() as runner:
        yield ApiClient(app, runner, token("admin"))


class Machine:
    """What the ingest would have written: alerts and their incidents, telemetry, dead letters, signs of life."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def alert(
        self, change: Change, at_ms: int = NOW_MS, *, site="paris", device="fz-1", rule="freezer_warm", **facts: Any
    ) -> Transition:
        """Return a change of an alert; its episode is the device's only one."""
        state = AlertState.RESOLVED if change is Change.RESOLVED else AlertState.FIRING
        alert = Alert(
            id=f"{site}{device}{rule}".encode().hex(),
            key=AlertKey(rule, f"{site}/{device}"),
            rule_version="v1",
            semantic_hash="s1",
            site=site,
            device=DeviceKey(site, device),
            state=state,
            severity=facts.pop("severity", Severity.WARNING),
            began_ms=NOW_MS,
            fired_ms=NOW_MS,
            summary=facts.pop("summary", f"{device} is warm"),
            evidence={"values": {"temp": -3.5}},
            **facts,
        )
        return Transition(change, at_ms, alert)

    def happens(self, *transitions: Transition, occurrences: dict[str, int] | None = None) -> None:
        """Do what ingest does with a batch's transitions."""
        now_ms = transitions[-1].at_ms
        with self.database.begin() as unit:
            known = incidents.open_for(unit, transitions)
            changes = correlate(transitions, known, Surroundings(policy=Policy()), now_ms)
            alerts.keep(unit, {each.alert.key: each.alert for each in transitions}, transitions, now_ms)
            incidents.keep(unit, changes, occurrences or {}, Policy())

    def fires(self, **facts: Any) -> None:
        """Raise one incident."""
        self.happens(self.alert(Change.FIRED, **facts))

    def reads(self, *readings: Reading) -> None:
        """Store telemetry and register its devices."""
        with self.database.begin() as unit:
            registry, trails = Registry.load(unit), Trails.load(unit)
            batch = Batch(readings)
            ids = registry.register(unit, list(batch), 0).ids
            telemetry.append(unit, trails, batch, ids, batch_no=trails.position + 1)

    def rejects(self, topic: str, payload: bytes, reason: str = "bad_json") -> None:
        """Keep one dead letter."""
        letter = DeadLetter(Message(topic, payload, NOW_MS), reason, "what was found and what was expected", 0)
        with self.database.begin() as unit:
            dead_letters.keep(unit, [letter])

    def beats(self, at_ms: int, **data: Any) -> None:
        """Give a sign of life of a healthy ingest, but for what `data` says."""
        healthy = {"ready": True, "reasons": [], "connected": True, "subscribed": True, "rules_loaded": 3}
        with self.database.begin() as unit:
            heartbeats.beat(unit, Heartbeat("ingest", at_ms, at_ms, {**healthy, "rules_error": None, **data}))


@pytest.fixture
def machine(database: Database) -> Machine:
    return Machine(database)


def a_reading(device: str = "fz-1", site: str = "paris", at_ms: int = NOW_MS, **values: Any) -> Reading:
    """Return one reading with an identity of its own."""
    identity = f"{site}{device}{at_ms}{sorted(values)}".encode()[-16:].rjust(16, b"0")
    return Reading(DeviceKey(site, device), at_ms, at_ms, values, identity)


@pytest.fixture(name="a_reading", scope="session")
def _a_reading() -> Callable[..., Reading]:
    return a_reading
