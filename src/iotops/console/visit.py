"""A visit: one request for a page, and what the page may ask the API in the visitor's name."""

import asyncio
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache, cached_property
from typing import Any

from starlette.requests import Request

from iotops.clock import now_ms
from iotops.console.client import CSRF_HEADER, Answer, Params, call_api
from iotops.console.forms import read_form

THEMES = ("light", "dark")
THEME_COOKIE = "iotops_theme"
ZONE_COOKIE = "iotops_zone"
"""Both are set by the page's scripts; what they hold is a wish of the browser and nothing else."""


_PAGE = 200


class Refused(Exception):
    """The API did not do what a page asked; `answer.body` is its problem."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"the API answered {answer.status}")
        self.answer = answer


@dataclass(frozen=True)
class Visit:
    """One request for a page. What it has asked the API once it does not ask again.

    Attributes:
        request: what the browser sent; `path_params` and `query_params` are those of the page.
        now_ms: the instant that ages on the page count from.
    """

    request: Request
    now_ms: int

    @classmethod
    def of(cls, request: Request) -> "Visit":
        """Return the visit that a request begins."""
        return cls(request, now_ms())

    @property
    def parts(self) -> Mapping[str, str]:
        """Return the named parts of the page's path."""
        return self.request.path_params

    @property
    def query(self) -> list[tuple[str, str]]:
        """Return the query of the page in the order given; a field of a form that was left empty asks for nothing."""
        return [(name, value) for name, value in self.request.query_params.multi_items() if value]

    @property
    def theme(self) -> str | None:
        """Return `light` or `dark` where the visitor chose one; None follows the system."""
        wanted = self.request.cookies.get(THEME_COOKIE)
        return wanted if wanted in THEMES else None

    @cached_property
    def zone(self) -> tzinfo:
        """Return the visitor's time zone as far as it is known, else UTC."""
        wanted = self.request.cookies.get(ZONE_COOKIE, "UTC").replace("%2F", "/")
        return zoneinfo.ZoneInfo(wanted if wanted in _zones() else "UTC")

    async def ask(self, path: str, params: Params | None = None) -> Answer:
        """Return what the API answers to a GET, also where it refuses."""
        return await self._asked(path, params)

    async def all(self, path: str, params: Mapping[str, Any] | None = None, *, most: int = 1_000) -> list[Any]:
        """Return the items of a list, page after page, about `most` of them.

        Raises:
            Refused: a page is no success.
        """
        items: list[Any] = []
        cursor: str | None = None
        while len(items) < most:
            page = await self.get(path, {**(params or {}), "limit": _PAGE, "cursor": cursor})
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        return items

    async def get(self, path: str, params: Params | None = None) -> Any:
        """Return what the API answers to a GET.

        Raises:
            Refused: it is no success.
        """
        answer = await self._asked(path, params)
        if not answer.ok:
            raise Refused(answer)
        return answer.body

    async def get_or_none(self, path: str, params: Params | None = None) -> Any:
        """Return what the API answers to a GET, None where there is no such thing.

        Raises:
            Refused: it is no success for another reason.
        """
        answer = await self._asked(path, params)
        if answer.status == 404:
            return None
        if not answer.ok:
            raise Refused(answer)
        return answer.body

    async def gather(self, *paths: str) -> list[Any]:
        """Return what the API answers to several GETs at once.

        Raises:
            Refused: one of them is no success.
        """
        return list(await asyncio.gather(*(self.get(path) for path in paths)))

    async def send(self, method: str, path: str, form: Mapping[str, str], body: Mapping[str, Any]) -> Answer:
        """Change something with what a form of ours brought: `csrf` proves it, `once` makes a second click harmless.

        `version`, where the form has it, is what the visitor saw: the API refuses with 412 what was changed since.
        """
        headers = {CSRF_HEADER: form.get("csrf", "")}
        if "once" in form:
            headers["Idempotency-Key"] = form["once"]
        if "version" in form:
            headers["If-Match"] = f'"{form["version"]}"'
        return await call_api(self.request, method, path, body=body, headers=headers)

    def _asked(self, path: str, params: Params | None) -> "asyncio.Future[Answer]":
        pairs = params.items() if isinstance(params, Mapping) else params or ()
        key = (path, *((name, str(value)) for name, value in pairs))
        if key not in self._answers:
            asking = call_api(self.request, "GET", path, params=params)
            self._answers[key] = asyncio.ensure_future(asking)
        return self._answers[key]

    @cached_property
    def _answers(self) -> dict[tuple[Any, ...], "asyncio.Future[Answer]"]:
        return {}

    async def form(self) -> dict[str, str]:
        """Return the fields that the browser sent, those left empty omitted."""
        return await read_form(self.request)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())  # read from disk: once is enough
