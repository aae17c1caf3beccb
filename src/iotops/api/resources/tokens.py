"""/tokens: who may use the API."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import Field

from iotops.api.access import Admin, Caller
from iotops.api.context import ContextOf
from iotops.api.paging import Cursor, CursorNumber, CursorText, Limit, Page, decode_cursor, encode_cursor, page_of
from iotops.api.problems import Problem
from iotops.api.repeat import Asked, IdempotencyKey, post_once
from iotops.api.shapes import Body, Instant, InstantIn, Line, Shape
from iotops.store import tokens
from iotops.store.database import Unit
from iotops.store.tokens import Token

router = APIRouter(prefix="/tokens", tags=["tokens"])

RoleWord = Literal["viewer", "operator", "author", "admin"]
_ORDER = "-created_at,id"
_Key = tuple[CursorNumber, CursorText]
TokenId = Annotated[str, Path(max_length=64, pattern="^[0-9A-Za-z]+$")]


class TokenShape(Shape):
    """A token without its secret."""

    id: str
    name: str
    role: str
    site: str | None = Field(description="null: every site")
    created_at: Instant
    expires_at: Instant | None
    revoked_at: Instant | None
    last_used_at: Instant | None


class NewTokenShape(TokenShape):
    """A token just made; `token` is shown here and never again."""

    token: Annotated[str | None, Field(examples=["iot_0f3a5c7e9b1d_..."], description="null in a repeated answer")]


class NewToken(Body):
    """A token to be made."""

    role: RoleWord
    name: Line = ""
    site: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")] | None = None
    expires_at: InstantIn | None = None


def _shape(token: Token) -> TokenShape:
    return TokenShape(
        id=token.id,
        name=token.name,
        role=token.role,
        site=token.site,
        created_at=token.created_ms,
        expires_at=token.expires_ms,
        revoked_at=token.revoked_ms,
        last_used_at=token.last_used_ms,
    )


@router.get("", operation_id="list_tokens", summary="List tokens")
def list_tokens(caller: Admin, context: ContextOf, limit: Limit = 50, cursor: Cursor = None) -> Page[TokenShape]:
    """Return tokens, the newest first, revoked and expired ones included; to one of a site those of that site."""
    after: _Key | None = decode_cursor(_ORDER, cursor, _Key)
    with context.read() as unit:
        # A handful: cutting pages out of them here costs nothing.
        found = [token for token in tokens.every(unit) if caller.sees(token.site)]
    rest = found if after is None else [token for token in found if _key(token) > after]
    return page_of(rest[: limit + 1], limit, _shape, lambda token: encode_cursor(_ORDER, _key(token)))


@router.post("", status_code=201, response_model=NewTokenShape, operation_id="create_token", summary="Make a token")
def create_token(
    request: Request, caller: Admin, context: ContextOf, body: NewToken, key: IdempotencyKey = None
) -> Response:
    """Make a token. Its text is in this answer only: nothing but a digest of it is stored.

    With an Idempotency-Key the answer is kept for a repetition without the text. A token of one site makes tokens of
    that site only.
    """
    site = body.site or caller.site
    if not caller.sees(site):
        raise Problem("forbidden", f"the token is for site {caller.site!r} only; so are those that it makes")

    def work(unit: Unit) -> NewTokenShape:
        token, text = tokens.create(
            unit, body.role, now_ms=context.now_ms(), name=body.name, site=site, expires_ms=body.expires_at
        )
        context.tell(made=token.id, role=token.role, site=token.site, name=token.name, expires_ms=token.expires_ms)
        return NewTokenShape(token=text, **dict(_shape(token)))

    return post_once(context, Asked(request, caller, key, body), work, 201, forget={"token": None})


@router.get("/{token_id}", operation_id="get_token", summary="Show a token")
def get_token(caller: Admin, context: ContextOf, token_id: TokenId) -> TokenShape:
    """Return one token, without its secret."""
    with context.read() as unit:
        return _shape(_visible(unit, caller, token_id))


@router.delete("/{token_id}", operation_id="revoke_token", summary="Revoke a token")
def revoke_token(caller: Admin, context: ContextOf, token_id: TokenId) -> TokenShape:
    """End a token and every browser session that came from it, at once."""

    def work(unit: Unit) -> TokenShape:
        _visible(unit, caller, token_id)
        return _shape(tokens.revoke(unit, token_id, context.now_ms()))

    return context.write(work)


def _visible(unit: Unit, caller: Caller, token_id: str) -> Token:
    found = tokens.get(unit, token_id)
    caller.must_see(found.site, f"token {token_id!r} does not exist; `iotops token list` shows those that do")
    return found


def _key(token: Token) -> _Key:
    return -token.created_ms, token.id
