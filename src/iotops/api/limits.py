"""How much a client may send, and how long it may take."""

import asyncio

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iotops.api.problems import Problem

BODY_BYTES = 1 << 20  # the largest thing anybody sends is a rule file
BODY_WITHIN_S = 30.0  # a client that drips its body must not hold a place for ever


class BodyLimit:
    """ASGI middleware that reads the whole body first: what is too large or too slow never reaches a resource."""

    def __init__(self, app: ASGIApp, limit: int = BODY_BYTES, within_s: float = BODY_WITHIN_S) -> None:
        self.app = app
        self.limit = limit
        self.within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its body at hand, or answer 413 or 408."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self.within_s):
                body = await self._read(Headers(scope=scope), receive)
        except TimeoutError:
            problem = Problem("body_too_slow", f"the body was not complete after {self.within_s:g} s")
            await _answer(problem, scope, receive, send)
        except Problem as problem:
            await _answer(problem, scope, receive, send)
        else:
            await self.app(scope, _replayed(body, receive), send)

    async def _read(self, headers: Headers, receive: Receive) -> bytes:
        declared = headers.get("content-length", "")
        size = int(declared) if declared.isascii() and declared.isdigit() else 0
        body = bytearray()
        more = size > 0 or "transfer-encoding" in headers
        while more and max(size, len(body)) <= self.limit:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Problem("malformed_body", "the client left in the middle of the body")
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if max(size, len(body)) > self.limit:
            raise Problem("body_too_large", f"the body is larger than {self.limit} bytes; send less at once")
        return bytes(body)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that hands out the body once, and then whatever the server says (that the client left)."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _answer(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    response = problem.response(Request(scope).url.path)
    response.headers["Connection"] = "close"  # the rest of the body is not read
    await response(scope, receive, send)
