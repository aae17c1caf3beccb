"""Requests that may come twice: with an Idempotency-Key a POST is done once, and answered alike every time."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel

from iotops.api.access import Caller
from iotops.api.context import Context
from iotops.api.problems import Problem
from iotops.store import idempotency
from iotops.store.database import Unit
from iotops.store.idempotency import KeptAnswer, Repeatable

REPLAYED_HEADER = "Idempotency-Replayed"

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="a repetition with the same key within a day is answered alike and does nothing again",
    ),
]


@dataclass(frozen=True, slots=True)
class Asked:
    """A POST as it came: by whom, with which key, and its body as parsed."""

    request: Request
    caller: Caller
    key: str | None
    body: BaseModel


def post_once(
    context: Context,
    asked: Asked,
    work: Callable[[Unit], BaseModel],
    status: int = 200,
    *,
    forget: Mapping[str, None] | None = None,
    headers: Callable[[Mapping[str, Any]], Mapping[str, str]] = lambda _: {},
) -> Response:
    """Do `work` in one transaction and answer with what it returns; with a key, at most once in a day.

    The answer is kept in the same transaction, so that there is no moment in which one exists without the other.

    Args:
        context: where to do it.
        asked: the request, with its key if it has one.
        work: what to do; returns the answer's body.
        status: the answer's.
        forget: members that a repetition is not told: secrets must not be kept.
        headers: what goes with an answer, from its body.

    Raises:
        Problem: idempotency_key_reused, where the key stands for another request.
    """

    def once(unit: Unit) -> Response:
        repeatable = None if asked.key is None else _repeatable(asked, asked.key)
        kept = None if repeatable is None else idempotency.claim(unit, repeatable, context.now_ms())
        if repeatable is not None and kept is not None:
            body = _kept_for(kept, repeatable)
            asked.request.state.asking.repeated = True
            return JSONResponse(body, kept.status, {**headers(body), REPLAYED_HEADER: "true"})
        body = work(unit).model_dump(mode="json")
        if repeatable is not None:
            idempotency.keep(unit, repeatable, status, {**body, **(forget or {})})
        return JSONResponse(body, status, dict(headers(body)))

    return context.write(once)


def _repeatable(asked: Asked, key: str) -> Repeatable:
    sent = asked.body.model_dump_json(exclude_unset=True)
    path = f"{asked.request.method} {asked.request.url.path}"
    return Repeatable(asked.caller.token_id, key, path, hashlib.sha256(sent.encode()).hexdigest())


def _kept_for(kept: KeptAnswer, again: Repeatable) -> dict[str, Any]:
    if kept.request != again:
        detail = (
            f"Idempotency-Key {again.key!r} was used for {kept.request.method_path} with another body; use a new key"
        )
        raise Problem("idempotency_key_reused", detail)
    body: dict[str, Any] = kept.response
    return body
