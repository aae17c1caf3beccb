"""Browser sessions: a token exchanged for a short-lived secret that a page keeps in a cookie.

A session is a row of its own beside the tokens. It has no rights of its own: each request is judged by the token
that it came from, so that revoking that token ends the session at once.
"""

import hashlib
import hmac
import secrets

from sqlalchemy import delete, insert, select, update

from iotops.errors import NotFound
from iotops.store import tokens
from iotops.store.database import Unit
from iotops.store.tables import api_token
from iotops.store.tokens import Token

LASTS_MS = 12 * 3_600_000  # a shift; signing in again is one paste


def start(unit: Unit, token: Token, now_ms: int) -> str:
    """Begin a session of a token; returns what the cookie holds."""
    is_over = (api_token.c.session_of.is_not(None), api_token.c.expires_ms <= now_ms)
    unit.connection.execute(delete(api_token).where(*is_over))  # whoever comes takes out what is left of the others
    session_id, secret = f"ses{secrets.token_hex(6)}", secrets.token_urlsafe(32)
    unit.connection.execute(
        insert(api_token).values(
            id=session_id,
            hash=_digest(secret),
            role=token.role,
            site=token.site,
            name=token.name,
            created_ms=now_ms,
            expires_ms=now_ms + LASTS_MS,
            session_of=token.id,
        )
    )
    return f"{session_id}_{secret}"


def find(unit: Unit, cookie: str, now_ms: int) -> Token | None:
    """Return the token that a session came from, None where either has ended."""
    session_id, _, secret = cookie.partition("_")
    row = unit.connection.execute(
        select(api_token).where(api_token.c.id == session_id, api_token.c.session_of.is_not(None))
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.hash, _digest(secret)):
        return None
    if row.revoked_ms is not None or row.expires_ms <= now_ms:
        return None
    try:
        token = tokens.get(unit, row.session_of)
    except NotFound:
        return None
    return token if token.holds(now_ms) else None


def end(unit: Unit, cookie: str, now_ms: int) -> None:
    """End a session; one that has ended, or never was, stays as it is."""
    session_id, _, _ = cookie.partition("_")
    unit.connection.execute(
        update(api_token)
        .where(api_token.c.id == session_id, api_token.c.session_of.is_not(None), api_token.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )


def end_all(unit: Unit, token_id: str, now_ms: int) -> None:
    """End every session of a token."""
    unit.connection.execute(
        update(api_token)
        .where(api_token.c.session_of == token_id, api_token.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms)
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
