"""`iotops audit`: both chains, the anchor against which a cut shows, and the list of who was let do what."""

import json

import pytest

from iotops import schedule
from iotops.settings import AuditSettings, Settings
from iotops.store import anchors


@pytest.fixture
def dropped(tmp_path, database, run, raise_incident):
    """Two tokens and an incident, and the anchor that ingest's job writes down of them."""
    for role in ("viewer", "operator"):
        assert run("token", "create", "--role", role).status == 0
    raise_incident()
    duties = type("Duties", (), {"database": database, "audit": AuditSettings()})
    schedule.drop_anchor(duties)
    schedule.drop_anchor(duties)
    return tmp_path / Settings().audit.anchor_file


def cut(database):
    """Take the newest deed away as somebody with the database's own tools could, head and all."""
    with database.begin() as unit:
        for statement in (
            "DROP TRIGGER deed_no_delete",
            "DELETE FROM deed WHERE seq = 2",
            "UPDATE deed_head SET seq = 1, hash = (SELECT hash FROM deed WHERE seq = 1)",
        ):
            unit.connection.exec_driver_sql(statement)


def test_chains_that_are_whole_agree_with_their_anchor(run, dropped):
    """Status 0, the heads, and up to where the anchor speaks; an anchor that says nothing new is not written twice."""
    done = run("audit", "verify", "--format", "json")

    found = json.loads(done.out)
    assert (done.status, found["intact"], found["entries"], found["deeds"]) == (0, True, 1, 2)
    assert found["anchor"] == {"timeline": 1, "deeds": 2}
    assert len(dropped.read_text().splitlines()) == 1


@pytest.mark.parametrize("how", ["default", "--anchors", "--anchor"])
def test_a_chain_that_was_cut_shows_against_the_last_anchor(run, database, dropped, how):
    """A15: the chain itself looks whole; the anchor outside of the database says that rows are gone."""
    cut(database)
    (line,) = dropped.read_text().splitlines()
    kept = dropped.rename(dropped.with_name("elsewhere")) if how != "default" else dropped
    option = {"default": (), "--anchors": ("--anchors", kept), "--anchor": ("--anchor", line)}[how]

    done = run("audit", "verify", *option, "--format", "json")

    found = json.loads(done.out)
    assert (done.status, found["intact"], found["chain"], found["kind"]) == (1, False, "deeds", "anchor")
    if how != "default":
        assert run("audit", "verify").status == 0  # without any anchor nobody could tell


def test_a_line_that_is_no_anchor_is_refused(run, dropped):
    """An anchor that cannot be read must not pass for one that agrees."""
    dropped.write_text("nonsense\n")

    done = run("audit", "verify")

    assert done.status != 0
    assert "is no anchor" in done.err


def test_an_unfinished_last_line_counts_for_nothing(dropped):
    """A kill in the middle of writing leaves the anchor before it in force."""
    before = anchors.last(dropped)
    with dropped.open("a") as out:
        out.write("2026-01-01T00:00:00Z timeline 9")

    assert anchors.last(dropped) == before


def test_the_list_tells_who_did_what(run, dropped):
    """Newest first, with the account of this machine for what its commands did; nothing found is status 1."""
    done = run("audit", "list", "--action", "create_token", "--last", "1d", "--format", "json")

    found = json.loads(done.out)["items"]
    assert [each["data"]["role"] for each in found] == ["operator", "viewer"]
    assert {(each["actor_kind"], each["outcome"]) for each in found} == {("shell", "done")}
    assert "iot_" not in done.out
    assert run("audit", "list", "--outcome", "denied").status == 1
