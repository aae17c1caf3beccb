"""An API over a fresh database, on SQLite and on PostgreSQL, and a client that asks it without a network."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from iotops.api.app import create_app
from iotops.settings import Settings
from iotops.store import tokens
from iotops.store.database import Database

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
def app(database: Database) -> FastAPI:
    return create_app(database, Settings(), version="1.2.3")


@pytest.fixture
def client(app: FastAPI, token: Callable[..., str]) -> Iterator[ApiClient]:
    """A client with an admin's token."""
    with asyncio.Runner() as runner:
        yield ApiClient(app, runner, token("admin"))
