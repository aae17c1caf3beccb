"""API tokens: `iot_<id>_<secret>`. Only a digest of the secret is stored; the token itself is shown once, when made."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, insert, or_, select, update

from iotops.errors import NotFound
from iotops.store.database import Unit
from iotops.store.tables import api_token

ROLES = ("viewer", "operator", "author", "admin")
"""What a token may do; each role may do all that the ones before it may."""

_SECRET_BYTES = 32  # 256 random bits: a plain SHA-256 of it cannot be searched backwards
_USED_EVERY_MS = 60_000  # `last_used` is for people who clean up; a write per request would be for nobody


@dataclass(frozen=True, slots=True)
class Token:
    """A token without its secret. `site` confines it to one site; times in Unix milliseconds."""

    id: str
    name: str
    role: str
    site: str | None
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    last_used_ms: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Say whether the token still lets anybody in."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


def create(
    unit: Unit, role: str, now_ms: int, *, name: str = "", site: str | None = None, expires_ms: int | None = None
) -> tuple[Token, str]:
    """Make a token; returns it with the text that its owner sends, which cannot be had again.

    Raises:
        ValueError: no such role.
    """
    if role not in ROLES:
        msg = f"role {role!r} does not exist; choose one of {', '.join(ROLES)}"
        raise ValueError(msg)
    token = Token(secrets.token_hex(6), name, role, site, now_ms, expires_ms)
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    unit.connection.execute(
        insert(api_token).values(
            id=token.id,
            hash=_digest(secret),
            role=role,
            site=site,
            name=name,
            created_ms=now_ms,
            expires_ms=expires_ms,
        )
    )
    return token, f"iot_{token.id}_{secret}"


def find(unit: Unit, text: str, now_ms: int) -> Token | None:
    """Return the token that a text is, None where it is unknown, expired or revoked."""
    kind, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    if kind != "iot" or not secret:
        return None
    row = unit.connection.execute(_tokens().where(api_token.c.id == token_id)).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, _digest(secret)):
        return None
    token = _token(row)
    return token if token.holds(now_ms) else None


def get(unit: Unit, token_id: str) -> Token:
    """Return a token by its id.

    Raises:
        NotFound: no such token.
    """
    row = unit.connection.execute(_tokens().where(api_token.c.id == token_id)).one_or_none()
    if row is None:
        msg = f"token {token_id!r}: no such token"
        raise NotFound(msg)
    return _token(row)


def page(unit: Unit, limit: int, after: str | None = None) -> Sequence[Token]:
    """Return up to `limit` tokens in order of their ids, those after the id `after`."""
    query = _tokens().order_by(api_token.c.id).limit(limit)
    rows = unit.connection.execute(query if after is None else query.where(api_token.c.id > after))
    return [_token(row) for row in rows]


def revoke(unit: Unit, token_id: str, now_ms: int) -> Token:
    """End a token, and every browser session that came from it; revoking it again changes nothing.

    Raises:
        NotFound: no such token.
    """
    get(unit, token_id)
    ends = or_(api_token.c.id == token_id, api_token.c.session_of == token_id)
    unit.connection.execute(update(api_token).where(ends, api_token.c.revoked_ms.is_(None)).values(revoked_ms=now_ms))
    return get(unit, token_id)


def touch(unit: Unit, token: Token, now_ms: int) -> None:
    """Note that a token was used, at most once a minute."""
    if token.last_used_ms is None or now_ms - token.last_used_ms >= _USED_EVERY_MS:
        unit.connection.execute(update(api_token).where(api_token.c.id == token.id).values(last_used_ms=now_ms))


def _tokens() -> Select[Any]:
    return select(api_token).where(api_token.c.session_of.is_(None))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _token(row: Row[Any]) -> Token:
    return Token(row.id, row.name, row.role, row.site, row.created_ms, row.expires_ms, row.revoked_ms, row.last_used_ms)
