"""What was granted, denied and changed: appended, chained, and every kind of tampering found."""

import pytest

from iotops.store import deeds
from iotops.store.deeds import Deed
from iotops.store.timeline import Head

GUARDS = {
    "sqlite": ("DROP TRIGGER deed_no_update", "DROP TRIGGER deed_no_delete"),
    "postgresql": ("DROP TRIGGER deed_no_change ON deed",),
}


@pytest.fixture
def chain(database):
    """Four deeds of two units."""
    made = [Deed(1_000 + n, "token", "ana", "create_token", f"t{n}", data={"role": "viewer", "n": n}) for n in range(4)]
    for half in (made[:2], made[2:]):
        with database.begin() as unit:
            deeds.append(unit, half)
    return database


def fault(database, anchor=None):
    with database.read() as unit:
        return deeds.verify(unit, anchor)


def head(database):
    with database.read() as unit:
        return deeds.head(unit)


def tamper(database, *statements):
    """Do what somebody with the database's own tools could do."""
    with database.begin() as unit:
        for statement in (*GUARDS[database.dialect], *statements):
            unit.connection.exec_driver_sql(statement)


def test_deeds_come_back_newest_first_and_their_chain_holds(chain):
    """Pages go back in time; the chain that was written is whole."""
    with chain.read() as unit:
        newest = deeds.page(unit, limit=2)
        older = deeds.page(unit, limit=9, before=newest[-1].seq, actions=["create_token"], outcome="done")
        late = deeds.page(unit, limit=9, since_ms=1_003)

    assert [(found.seq, found.deed.object) for found in newest + older] == [(4, "t3"), (3, "t2"), (2, "t1"), (1, "t0")]
    assert [found.seq for found in late] == [4]
    assert newest[0].deed == Deed(1_003, "token", "ana", "create_token", "t3", data={"role": "viewer", "n": 3})
    assert fault(chain) is None


def test_ordinary_writers_cannot_change_a_deed(chain):
    """The database itself refuses UPDATE and DELETE."""
    for statement in ("UPDATE deed SET actor = 'bob'", "DELETE FROM deed WHERE seq = 4"):
        with pytest.raises(Exception, match="append-only"), chain.begin() as unit:
            unit.connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statements", "seq", "kind"),
    [
        (["UPDATE deed SET actor = 'bob' WHERE seq = 2"], 2, "edited"),
        (["UPDATE deed SET outcome = 'denied' WHERE seq = 3"], 3, "edited"),
        (["UPDATE deed SET at_ms = 1 WHERE seq = 4"], 4, "edited"),
        (["DELETE FROM deed WHERE seq = 2"], 2, "missing"),
        (["DELETE FROM deed WHERE seq = 4"], 4, "head"),
        ([f"UPDATE deed SET seq = {b} WHERE seq = {a}" for a, b in ((2, 9), (3, 2), (9, 3))], 2, "edited"),
    ],
)
def test_a_row_that_was_edited_deleted_or_moved_is_named(chain, statements, seq, kind):
    """A15: whatever was done to a row with the database's own tools, verify says where."""
    tamper(chain, *statements)

    found = fault(chain)

    assert (found.seq, found.kind) == (seq, kind)


def test_a_chain_that_was_cut_shows_against_an_anchor(chain):
    """A15: who cuts the end off and sets the head to match is found by the anchor that was kept elsewhere."""
    anchor = head(chain)
    tamper(
        chain,
        "DELETE FROM deed WHERE seq > 2",
        "UPDATE deed_head SET seq = 2, hash = (SELECT hash FROM deed WHERE seq = 2)",
    )

    assert fault(chain) is None
    assert (fault(chain, anchor).kind, fault(chain, anchor).seq) == ("anchor", 3)


def test_another_chain_of_the_same_length_is_not_that_of_the_anchor(chain):
    """A15: a history that was written anew differs from the anchor at its place."""
    found = fault(chain, Head(3, "f" * 64))

    assert (found.seq, found.kind) == (3, "anchor")
