"""Tokens: shown once, kept as a digest, good for as long as they should be."""

import pytest
from sqlalchemy import select

from iotops.errors import ConfigurationError, NotFound
from iotops.store import sessions, tokens
from iotops.store.tables import api_token

NOW_MS = 1_000_000


def a_token(database, role="operator", **facts):
    with database.begin() as unit:
        return tokens.create(unit, role, now_ms=NOW_MS, **facts)


def found(database, text, now_ms=NOW_MS):
    with database.read() as unit:
        return tokens.find(unit, text, now_ms)


@pytest.mark.parametrize("role", tokens.ROLES)
def test_a_token_is_found_by_the_text_that_was_shown(database, role):
    """The text has the form that the documentation gives, and stands for role, site and name."""
    token, text = a_token(database, role, site="paris", name="ana")

    assert text.startswith(f"iot_{token.id}_")
    assert found(database, text) == token
    assert (token.role, token.site, token.name) == (role, "paris", "ana")


def test_the_secret_is_nowhere_in_the_database(database):
    """Who reads the database learns no token."""
    _, text = a_token(database)
    secret = text.split("_", 2)[2]

    with database.read() as unit:
        row = unit.connection.execute(select(api_token)).one()

    assert secret not in str(tuple(row))
    assert len(secret) >= 43  # 256 bits


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + "x",
        lambda text: text.upper(),
        lambda text: text.replace("iot_", "ses_"),
        lambda text: "_".join(text.split("_", 2)[:2]),
        lambda text: text.split("_", 2)[2],
        lambda _: "",
        lambda _: "iot__",
        lambda _: "iot_\ud800_\ud800",
    ],
)
def test_anything_else_is_nobody(database, spoil):
    """A text that differs anywhere stands for no one."""
    _, text = a_token(database)

    assert found(database, spoil(text)) is None


def test_another_tokens_secret_does_not_fit(database):
    """Id and secret belong together."""
    one, _ = a_token(database)
    _, other = a_token(database)

    assert found(database, f"iot_{one.id}_{other.split('_', 2)[2]}") is None


@pytest.mark.parametrize(("now_ms", "holds"), [(NOW_MS, True), (1_999_999, True), (2_000_000, False)])
def test_a_token_ends_when_it_expires(database, now_ms, holds):
    """From the instant of expiry on the token is refused."""
    _, text = a_token(database, expires_ms=2_000_000)

    assert (found(database, text, now_ms) is not None) is holds


def test_a_revoked_token_ends_at_once_and_stays_in_the_list(database):
    """Revoking is for good; the list still says whose it was and when it ended."""
    token, text = a_token(database)

    with database.begin() as unit:
        first = tokens.revoke(unit, token.id, NOW_MS + 1)
        second = tokens.revoke(unit, token.id, NOW_MS + 2)

    assert found(database, text) is None
    assert (first.revoked_ms, second.revoked_ms) == (NOW_MS + 1, NOW_MS + 1)
    with database.read() as unit:
        assert tokens.every(unit) == [first]


def test_an_unknown_id_is_not_found(database):
    """Revoking or reading what is not there says so."""
    with database.begin() as unit, pytest.raises(NotFound, match="'nope' does not exist"):
        tokens.revoke(unit, "nope", NOW_MS)


def test_an_unknown_role_is_refused(database):
    """The error names the roles that there are."""
    with pytest.raises(ConfigurationError, match="viewer, operator, author, admin"):
        a_token(database, "owner")


def test_last_use_is_kept_to_the_minute(database):
    """A use within a minute of the last one noted is not written again."""
    token, _ = a_token(database)

    uses = []
    for now_ms in (NOW_MS, NOW_MS + 59_999, NOW_MS + 60_000):
        with database.begin() as unit:
            tokens.used(unit, token.id, now_ms)
            uses.append(tokens.get(unit, token.id).last_used_ms)

    assert uses == [NOW_MS, NOW_MS, NOW_MS + 60_000]


def test_a_browser_session_is_no_token(database):
    """A session's cookie opens nothing as a bearer token, and the list of tokens does not show it."""
    token, _ = a_token(database)
    with database.begin() as unit:
        cookie = sessions.start(unit, token, NOW_MS)

    session_id, _, secret = cookie.partition("_")

    assert found(database, f"iot_{session_id}_{secret}") is None
    with database.read() as unit:
        assert [each.id for each in tokens.every(unit)] == [token.id]
