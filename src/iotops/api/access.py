"""Who asks, and whether they may: bearer tokens, browser sessions, roles, and the site a token is confined to."""

import hmac
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from iotops import clock
from iotops.api.asking import Asking, address_of
from iotops.api.context import Context, ContextOf
from iotops.api.listening import is_loopback
from iotops.api.problems import Problem
from iotops.api.strict import refuse_unknown_parameters
from iotops.errors import OutOfSight, StoreError
from iotops.incidents.incident import Actor
from iotops.store import sessions, tokens
from iotops.store.tokens import Token

SESSION_COOKIE = "iotops_session"
CSRF_HEADER = "X-CSRF-Token"
USED_EVERY_MS = 60_000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Role(IntEnum):
    """What a token may do; each role may do all that the ones before it may."""

    VIEWER = 1
    OPERATOR = 2
    AUTHOR = 3
    ADMIN = 4

    @property
    def word(self) -> str:
        """Return the name as tokens, API and command line spell it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `site` confines what is seen and done, None: every site. `session`: a browser's cookie, else None."""

    token_id: str
    name: str
    role: Role
    site: str | None = None
    session: str | None = None

    @property
    def pass_key(self) -> str:
        """Return what limits are counted by: each browser has its own, whoever shares a token shares them."""
        return self.session or self.token_id

    @property
    def actor(self) -> Actor:
        """Return the caller as the timeline names it."""
        return Actor("token", self.name or self.token_id)

    def sees(self, site: str | None) -> bool:
        """Say whether things of that site exist for this caller."""
        return self.site is None or self.site == site

    def sites(self, asked: Sequence[str]) -> tuple[str, ...] | None:
        """Return the sites to list: those asked for (empty: all) as far as the caller sees them; None: not one."""
        if self.site is None:
            return tuple(asked)
        return (self.site,) if not asked or self.site in asked else None

    def must_see(self, site: str | None, what: str) -> None:
        """Answer as if there were no such thing where it is another site's.

        Raises:
            OutOfSight: not of the caller's site.
        """
        if not self.sees(site):
            raise OutOfSight(what)


bearer_scheme = HTTPBearer(auto_error=False, scheme_name="token", description="`Authorization: Bearer iot_...`")
cookie_scheme = APIKeyCookie(
    name=SESSION_COOKIE, auto_error=False, scheme_name="session", description="the console's session"
)


class Require:
    """A dependency that lets callers of at least one role through; every route declares exactly one."""

    def __init__(self, role: Role) -> None:
        self.role = role

    async def __call__(
        self,
        request: Request,
        context: ContextOf,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
        cookie: Annotated[str | None, Depends(cookie_scheme)],
    ) -> Caller:
        """Return the caller.

        Raises:
            Problem: unauthenticated or invalid_token (401), csrf_failed or forbidden (403), too_many_requests (429).
        """
        caller = await _identify(request, context, bearer.credentials if bearer else None, cookie)
        asking = Asking.of(request)
        asking.actor, asking.token = caller.actor.id, caller.token_id
        _must_not_hurry(context, caller)
        if caller.session is not None and request.method not in _SAFE_METHODS:
            _must_be_our_page(request, caller.session)
        if caller.role < self.role:
            detail = f"this needs the role {self.role.word}; the token {caller.name!r} is a {caller.role.word}"
            raise Problem("forbidden", detail, required_role=self.role.word)
        refuse_unknown_parameters(request)
        return caller


class Anybody:
    """The declaration of a route that needs no token, or needs one of `beyond_loopback` where others can reach us."""

    def __init__(self, beyond_loopback: Require | None = None) -> None:
        self.beyond_loopback = beyond_loopback

    async def __call__(
        self,
        request: Request,
        context: ContextOf,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer_scheme)],
        cookie: Annotated[str | None, Depends(cookie_scheme)],
    ) -> None:
        """Let the request through.

        Raises:
            Problem: as `Require`, where a token is needed; unknown_parameter.
        """
        if self.beyond_loopback is not None and not _on_loopback_only(context):
            await self.beyond_loopback(request, context, bearer, cookie)
        refuse_unknown_parameters(request)


Viewer = Annotated[Caller, Depends(Require(Role.VIEWER))]
Operator = Annotated[Caller, Depends(Require(Role.OPERATOR))]
Author = Annotated[Caller, Depends(Require(Role.AUTHOR))]
Admin = Annotated[Caller, Depends(Require(Role.ADMIN))]


PUBLIC = Depends(Anybody())
PUBLIC_ON_LOOPBACK = Depends(Anybody(Require(Role.VIEWER)))


def csrf_token(session: str) -> str:
    """Return what a page of ours proves itself with; a foreign page cannot read the cookie it is made from."""
    return hmac.digest(session.encode(), b"csrf", "sha256").hex()


def still_lets_in(context: Context, caller: Caller) -> bool:
    """Say whether the caller's token, and session where it is one, still hold; long streams ask this now and then."""
    now_ms = context.now_ms()
    with context.read() as unit:
        if caller.session is not None:
            return sessions.find(unit, caller.session, now_ms) is not None
        return tokens.get(unit, caller.token_id).holds(now_ms)


async def _identify(request: Request, context: Context, bearer: str | None, cookie: str | None) -> Caller:
    if bearer is None and cookie is None:
        raise Problem("unauthenticated", "send Authorization: Bearer iot_...; `iotops token create` makes one")
    caller = await run_in_threadpool(find_caller, context, bearer, cookie)
    if caller is None:
        wait_s = context.failures.wait_s(address_of(request) or "", clock.monotonic_ms())
        if wait_s:
            detail = f"too many sign-ins from this address failed; try again in {wait_s} s, with a token that holds"
            raise Problem("too_many_requests", detail, headers={"Retry-After": str(wait_s)})
        raise Problem(
            "invalid_token", "the token is unknown, expired or revoked; `iotops token create` makes a new one"
        )
    return caller


def find_caller(context: Context, bearer: str | None, cookie: str | None) -> Caller | None:
    """Return whom a token, or else a session cookie, stands for; None: for nobody (any more)."""
    now_ms = context.now_ms()
    if "\0" in (bearer or cookie or ""):
        return None  # PostgreSQL refuses to look for such a text
    with context.read() as unit:
        if bearer is not None:
            token, session = tokens.find(unit, bearer, now_ms), None
        else:
            token, session = sessions.find(unit, cookie or "", now_ms), cookie
    if token is None:
        return None
    _note_use(context, token, now_ms)
    return Caller(token.id, token.name, Role[token.role.upper()], token.site, session)


def _note_use(context: Context, token: Token, now_ms: int) -> None:
    if token.last_used_ms is None or now_ms - token.last_used_ms >= USED_EVERY_MS:
        with suppress(StoreError), context.database.begin(wait_ms=0) as unit:  # nobody waits for this
            tokens.used(unit, token.id, now_ms)


def _must_not_hurry(context: Context, caller: Caller) -> None:
    wait_s = context.pace.wait_s(caller.pass_key, clock.monotonic_ms())
    if wait_s:
        pace = f"api.requests_per_s = {context.settings.api.requests_per_s:g}, api.burst = {context.settings.api.burst}"
        detail = f"this token asks too often; try again in {wait_s} s ({pace})"
        raise Problem("too_many_requests", detail, headers={"Retry-After": str(wait_s)})


def _must_be_our_page(request: Request, session: str) -> None:
    shown = request.headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(shown.encode(), csrf_token(session).encode()):
        raise Problem("csrf_failed", f"a change under a browser session needs the {CSRF_HEADER} of GET /api/v1/session")


def _on_loopback_only(context: Context) -> bool:
    host = context.settings.api.listen.rpartition(":")[0].strip("[]")
    return is_loopback(host) and not context.settings.api.behind_proxy
