"""`iotops ledger`: the account, the seven lines, and what they say to a shell."""

import json

import pytest
from sqlalchemy import text

from iotops.invariants import NAMES
from iotops.store.database import Database

LEDGER = "site,device,boot,seq,ts,sha256,sent_at,acked_at\nparis,fz-1,b1,1,1000,aa,1,{acked}\n"


@pytest.fixture
def write(tmp_path, database_file):
    """An empty database, and a ledger of one message that was acknowledged or not."""
    database = Database.open(f"sqlite:///{database_file}")
    database.upgrade()
    yield lambda acked: (tmp_path / "published.csv").write_text(LEDGER.format(acked=acked)), database
    database.close()


def test_seven_lines_follow_the_account(run, write):
    """People get a line for each; programs get what is wrong, and null for what nobody can know."""
    write[0]("")

    told = run("ledger", "published.csv")
    read = json.loads(run("ledger", "published.csv", "--format", "json").out)

    assert told.status == 0
    assert [line[:2] for line in told.out.splitlines()[-7:]] == list(NAMES)
    assert read["invariants"] == {**dict.fromkeys(NAMES, ""), "I7": None}
    assert (read["published"], read["unacked"], read["clean"]) == (1, 1, True)


def test_lost_message_is_a_finding(run, write):
    """What was acknowledged and is nowhere breaks the first, and the status says so."""
    write[0]("2")

    told = run("ledger", "published.csv")

    assert told.status == 1
    assert "I1 acknowledged is stored or a dead letter: lost: paris/fz-1 boot=b1 seq=1" in told.out


def test_broken_chain_is_a_finding_and_a_failed_notice_only_where_asked(run, write):
    """What an endpoint did decides the status with --strict only; a chain always does."""
    write[0]("")
    database = write[1]
    failed = (
        "INSERT INTO notice (key, route, channel, events, state, attempts, created_ms, due_ms, updated_ms)"
        " VALUES ('k', 'r', 'c', '[]', 'failed', 1, 1, 1, 1)"
    )
    with database.begin() as unit:
        unit.connection.execute(text(failed))
    assert run("ledger", "published.csv").status == 0
    assert run("ledger", "published.csv", "--strict").status == 1

    with database.begin() as unit:
        unit.connection.execute(text("UPDATE deed_head SET seq = seq + 1"))

    assert run("ledger", "published.csv").status == 1
