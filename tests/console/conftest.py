"""The console over a fresh SQLite database, with a browser that knows cookies and nothing else."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from playwright.sync_api import BrowserContext
from playwright.sync_api import Page as Tab
from showcase import Showcase
from stage import Console, Stage, watched

from iotops.api.app import create_app
from iotops.console.app import add_console
from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import Actor
from iotops.rules.rule import Severity
from iotops.rules.rulefile import load_rules
from iotops.settings import RulesSettings, Settings
from iotops.store import incidents, rules, tokens
from iotops.store.database import Database

ANA = Actor("token", "ana")


class Page(HTMLParser):
    """What a page consists of: tags with attributes, and its text."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.status = answer.status_code
        self.headers = answer.headers
        self.html = answer.text
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of every such tag."""
        return [attributes for found, attributes in self.tags if found == tag]

    def field(self, name: str) -> str:
        """Return the value of a hidden field."""
        return next(found["value"] for found in self.all("input") if found["name"] == name) or ""


class Browser:
    """Follows links and redirects and keeps cookies, and can read neither token nor session."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self.app = app
        self.cookies = httpx.Cookies()
        self._runner = runner

    def open(self, path: str, **options: Any) -> Page:
        return Page(self._runner.run(self._send("GET", path, **options)))

    def submit(self, path: str, fields: dict[str, str], **options: Any) -> Page:
        return Page(self._runner.run(self._send("POST", path, data=fields, **options)))

    async def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://iotops.test", cookies=self.cookies, trust_env=False
        ) as client:
            options.setdefault("follow_redirects", True)
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
        return answer


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory) -> Path:
    """A database file with the schema and nothing in it: to be copied, which is quicker than to be made."""
    path = tmp_path_factory.mktemp("console") / "empty.db"
    opened = Database.open(f"sqlite:///{path}")
    opened.upgrade()
    opened.close()
    return path


@pytest.fixture
def database(tmp_path, empty_database) -> Iterator[Database]:
    path = tmp_path / "iotops.db"
    shutil.copy(empty_database, path)
    opened = Database.open(f"sqlite:///{path}")
    yield opened
    opened.close()


@pytest.fixture
def token(database):
    def make(role: str, **options: Any) -> str:
        with database.begin() as unit:
            return tokens.create(unit, role, now_ms=1, name=f"the {role}", **options)[1]

    return make


@pytest.fixture
def browser(database) -> Iterator[Browser]:
    app = create_app(database, Settings())
    add_console(app)
    with asyncio.Runner() as runner:
        yield Browser(app, runner)


@pytest.fixture
def operator(browser, token) -> Browser:
    """A browser that an operator is signed in with."""
    browser.submit("/sign-in", {"token": token("operator"), "next": "/"})
    return browser


@pytest.fixture
def raise_incident(database):
    """Raise an incident by hand and return its number."""

    def make(title: str = "till 4 stands still", **facts: Any) -> str:
        with database.begin() as unit:
            facts.setdefault("severity", Severity.WARNING)
            return incidents.create(unit, ANA, 1_767_225_600_000, title=title, policy=Policy(), **facts).number

    return make


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run tests that look at pages in the thread in which Playwright lives."""
    stage = pyfuncitem.funcargs.get("stage")
    if stage is None:
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    stage.run(pyfuncitem.obj, **arguments)
    return True


@pytest.fixture(scope="session")
def stage(chromium) -> Iterator[Stage]:
    """The Chromium of this worker."""
    made = Stage(chromium)
    yield made
    made.close()


@pytest.fixture
def showcase(database, tmp_path) -> Showcase:
    """What fills the database: `showcase.little()`, `showcase.much()`, or not at all."""
    return Showcase(database, tmp_path)


@pytest.fixture
def rules_loaded(database, showcase) -> Callable[[], None]:
    """Have the database know the rules of the showcase, as an ingest does."""

    def load() -> None:
        with database.begin() as unit:
            rules.keep_loaded(unit, load_rules(showcase.rules), showcase.end_ms)

    return load


@pytest.fixture
def console(database, free_port, tmp_path, wait_until) -> Iterator[Console]:
    """The console over the database, on a port."""

    def make_app() -> FastAPI:
        app = create_app(database, Settings(rules=RulesSettings(directory=tmp_path / "rules")))
        add_console(app)
        return app

    made = Console(make_app, free_port())
    wait_until(lambda: made.started, what="the console listening")
    yield made
    made.stop()


@pytest.fixture
def tab_at(stage) -> Iterator[Callable[..., Tab]]:
    """Open a page of a server as whoever a token stands for; a browser of its own for each call.

    `tab_at(url, token, "/", color_scheme="dark", viewport={"width": 360, "height": 740})`; the options are those of a
    Playwright context. What its scripts complained of by the end of the test, in `tab.complaints`, fails it.
    """
    contexts: list[BrowserContext] = []
    tabs: list[Tab] = []

    def make(url: str, bearer: str, path: str = "/", **options: Any) -> Tab:
        context = stage.context(**options)
        contexts.append(context)
        answer = context.request.post(f"{url}/api/v1/session", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status == 201, answer.text()
        tabs.append(watched(context.new_page()))
        tabs[-1].goto(f"{url}{path}")
        return tabs[-1]

    yield make
    for context in contexts:
        stage.run(context.close)
    assert [tab.complaints for tab in tabs if tab.complaints] == []


@pytest.fixture
def open_tab(console, token, tab_at) -> Callable[..., Tab]:  # in this order: tabs are closed before the console is
    """Open a page of the console over the database, as an operator where no other `role` is said; see `tab_at`."""

    def make(path: str = "/", *, role: str = "operator", **options: Any) -> Tab:
        return tab_at(console.url, token(role), path, **options)

    return make
