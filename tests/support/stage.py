"""A Chromium for tests: the machine's own, driven from a thread of its own, and a console for it to look at."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from iotops.api.server import api_server

PATIENCE_MS = 60_000  # bounds only how long a failure takes; a busy machine is slow
DESK = {"width": 1280, "height": 800}
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none")


class Stage:
    """One Chromium, started with the first test that needs it.

    Playwright keeps an event loop running in the thread that uses it, where nothing else could run one then. So it
    has a thread of its own, in which also the tests run that use it (see `pytest_pyfunc_call` beside them).
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._thread = ThreadPoolExecutor(1, "stage")
        self._browser: Browser | None = None

    def run(self, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        """Do something where Playwright lives, and return what it returns."""
        return self._thread.submit(work, *arguments, **named).result()

    def context(self, **options: Any) -> BrowserContext:
        """Return what a browser just installed would be: no cookies, nothing kept. Call it through `run`."""
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=self._program, args=ARGUMENTS)
        context = self._browser.new_context(**{"viewport": DESK, "locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        return context

    def close(self) -> None:
        """End the browser."""
        if self._browser is not None:
            self.run(self._browser.close)
            self.run(self._playwright.stop)
        self._thread.shutdown()


class Console:
    """An API with its console on a port of loopback, in a thread; `stop` and `start` are a restart."""

    def __init__(self, make_app: Callable[[], FastAPI], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._make_app = make_app
        self.start()

    def start(self) -> None:
        """Serve."""
        self._server = api_server(self._make_app(), "127.0.0.1", self._port)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()

    @property
    def started(self) -> bool:
        """Tell whether it answers."""
        return self._server.started

    def stop(self) -> None:
        """End, with whatever is connected."""
        self._server.should_exit = True
        self._thread.join(PATIENCE_MS / 1000)


def watched(page: Page) -> Page:
    """Return a page that remembers in `page.complaints` what its scripts, and the content security policy, said."""
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
    return page
