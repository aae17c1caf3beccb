"""API tokens: shown once, stored as a digest, good until they expire or are revoked."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from iotops.errors import ConfigurationError, NotFound
from iotops.store.database import Unit
from iotops.store.tables import api_token

ROLES = ("viewer", "operator", "author", "admin")
"""What a token may do, each role all that the ones before it may."""

_PREFIX = "iot"
_NOBODY = hashlib.sha256(secrets.token_bytes(32)).hexdigest()  # compared with where no token has the id
_USED_STEP_MS = 60_000  # `last_used` is for people who tidy up: a write per request would cost more than it tells


@dataclass(frozen=True, slots=True)
class Token:
    """What is known about a token, all but its secret. `site` confines it; None: every site."""

    id: str
    role: str
    name: str
    site: str | None
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    last_used_ms: int | None = None

    def holds(self, now_ms: int) -> bool:
        """Say whether it is neither revoked nor expired."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


def create(
    unit: Unit, role: str, *, now_ms: int, name: str = "", site: str | None = None, expires_ms: int | None = None
) -> tuple[Token, str]:
    """Make a token.

    Args:
        unit: a write transaction.
        role: one of `ROLES`.
        now_ms: the wall clock.
        name: whose it is, as the timeline will say.
        site: the only site it is good for; None: every site.
        expires_ms: the instant from which it is refused; None: never.

    Returns:
        The token, and the text that its owner sends: `iot_<id>_<secret>`, which nobody can read again.

    Raises:
        ConfigurationError: no such role.
    """
    if role not in ROLES:
        msg = f"token: there is no role {role!r}; choose one of {', '.join(ROLES)}"
        raise ConfigurationError(msg)
    token = Token(secrets.token_hex(6), role, name, site, now_ms, expires_ms)
    secret = secrets.token_urlsafe(32)
    unit.connection.execute(
        insert(api_token).values(
            id=token.id,
            hash=_digest(secret),
            role=role,
            name=name,
            site=site,
            created_ms=now_ms,
            expires_ms=expires_ms,
        )
    )
    return token, f"{_PREFIX}_{token.id}_{secret}"


def find(unit: Unit, text: str, now_ms: int) -> Token | None:
    """Return the token that a text is the secret of; None where it is unknown, expired or revoked.

    Takes the same time for an unknown id and for a wrong secret, as far as comparing goes.
    """
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    possible = prefix == _PREFIX and token_id.isascii() and token_id.isalnum()  # else no database could hold it
    row = _row(unit, token_id) if possible else None
    right = hmac.compare_digest(_digest(secret), _NOBODY if row is None else row.hash)
    if row is None or not right:
        return None
    token = _token(row)
    return token if token.holds(now_ms) else None


def get(unit: Unit, token_id: str) -> Token:
    """Return a token, also one that no longer holds.

    Raises:
        NotFound: there is none with that id.
    """
    row = _row(unit, token_id)
    if row is None:
        msg = f"token {token_id!r} does not exist; `iotops token list` shows those that do"
        raise NotFound(msg)
    return _token(row)


def every(unit: Unit) -> list[Token]:
    """Return all tokens, the newest first."""
    rows = unit.connection.execute(
        select(api_token).where(_IS_TOKEN).order_by(api_token.c.created_ms.desc(), api_token.c.id)
    )
    return [_token(row) for row in rows]


def revoke(unit: Unit, token_id: str, now_ms: int) -> Token:
    """End a token at once; one that is revoked already keeps the time at which it was.

    Raises:
        NotFound: there is none with that id.
    """
    statement = update(api_token).where(api_token.c.id == token_id, _IS_TOKEN, api_token.c.revoked_ms.is_(None))
    unit.connection.execute(statement.values(revoked_ms=now_ms))
    return get(unit, token_id)


def used(unit: Unit, token_id: str, now_ms: int) -> None:
    """Note that a token was used, to the minute."""
    long_ago = or_(api_token.c.last_used_ms.is_(None), api_token.c.last_used_ms <= now_ms - _USED_STEP_MS)
    unit.connection.execute(update(api_token).where(api_token.c.id == token_id, long_ago).values(last_used_ms=now_ms))


# A browser session is a row of the same table that points to its token (`iotops.store.sessions`).
_IS_TOKEN = api_token.c.session_of.is_(None)


def _row(unit: Unit, token_id: str) -> Row[Any] | None:
    return unit.connection.execute(select(api_token).where(api_token.c.id == token_id, _IS_TOKEN)).one_or_none()


def _token(row: Row[Any]) -> Token:
    return Token(row.id, row.role, row.name, row.site, row.created_ms, row.expires_ms, row.revoked_ms, row.last_used_ms)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
