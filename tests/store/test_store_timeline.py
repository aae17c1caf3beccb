"""The timeline: appended in commit order, chained, and every kind of tampering found."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotops.incidents.deadlines import Policy
from iotops.incidents.incident import SYSTEM, Actor
from iotops.incidents.timeline import GENESIS, Entry, link_hash, text_digest
from iotops.store import incidents, timeline
from iotops.store.audit import verify
from iotops.store.database import Database
from iotops.store.timeline import Head

ANA = Actor("person", "ana")


@pytest.fixture
def chain(database):
    """A database with two incidents and five entries: raised, raised, three comments."""
    with database.begin() as unit:
        for title in ("first", "second"):
            incidents.create(unit, ANA, 1_000, title=title, policy=Policy())
        notes = [Entry("commented", 2_000 + n, ANA, {"visibility": "internal"}, f"note {n}") for n in range(3)]
        timeline.append(unit, [(1, notes[0]), (2, notes[1]), (1, notes[2])])
    return database


def tamper(database, *statements):
    """Do what somebody with the database's own tools could do: take the guard off, then change rows."""
    guards = (
        ["DROP TRIGGER timeline_no_update", "DROP TRIGGER timeline_no_delete"]
        if database.dialect == "sqlite"
        else ["DROP TRIGGER timeline_no_change ON timeline"]
    )
    with database.begin() as unit:
        for statement in (*guards, *statements):
            unit.connection.exec_driver_sql(statement)


def fault(database, anchor=None):
    with database.read() as unit:
        return verify(unit, anchor)


def test_entries_come_back_in_order_with_their_place(chain):
    """`since` tells all incidents' entries after a position, `entries` those of one incident."""
    with chain.read() as unit:
        everything = timeline.since(unit, 0, 10)
        later = timeline.since(unit, 2, 2)
        first = timeline.entries(unit, "INC-000001")
        first_later = timeline.entries(unit, "INC-000001", after=3, limit=1)
        head = timeline.head(unit)

    assert [found.seq for found in everything] == [1, 2, 3, 4, 5]
    assert [(found.seq, found.number) for found in later] == [(3, "INC-000001"), (4, "INC-000002")]
    assert [(found.seq, found.entry.text) for found in first] == [(1, None), (3, "note 0"), (5, "note 2")]
    assert [found.seq for found in first_later] == [5]
    assert head.seq == 5
    assert fault(chain) is None


def test_an_empty_chain_holds(database):
    """A database in which nothing has happened has a head of zeros and no fault."""
    with database.read() as unit:
        assert timeline.head(unit) == Head(0, GENESIS)
        assert verify(unit) is None


def test_the_guard_refuses_changes_of_rows(chain):
    """Ordinary writers cannot change or delete an entry."""
    for statement in ("UPDATE timeline SET at_ms = 1", "DELETE FROM timeline WHERE seq = 5"):
        with pytest.raises(Exception, match="append-only"), chain.begin() as unit:
            unit.connection.exec_driver_sql(statement)

    assert fault(chain) is None


@pytest.mark.parametrize(
    ("statement", "seq", "kind"),
    [
        ("UPDATE timeline SET at_ms = at_ms + 1 WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline SET actor = 'bo' WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline SET actor_kind = 'system' WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline SET type = 'closed' WHERE seq = 3", 3, "edited"),
        ("""UPDATE timeline SET data = '{"visibility":"public"}' WHERE seq = 3""", 3, "edited"),
        ("UPDATE timeline SET incident_id = 2 WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline SET text_digest = NULL WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline SET hash = prev_hash WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline SET prev_hash = hash WHERE seq = 3", 3, "edited"),
        ("UPDATE timeline_text SET text = 'other' WHERE seq = 3", 3, "text"),
        ("UPDATE timeline_head SET hash = 'x'", 6, "head"),
        ("UPDATE timeline_head SET seq = 4", 6, "head"),
    ],
)
def test_an_edit_is_found_where_it_was_made(chain, statement, seq, kind):
    """Every column is covered: the first row that is not what was written is named."""
    tamper(chain, statement)

    found = fault(chain)

    assert (found.seq, found.kind) == (seq, kind)


@pytest.mark.parametrize(("seq", "found_at", "kind"), [(1, 1, "missing"), (3, 3, "missing"), (5, 5, "head")])
def test_a_deleted_row_is_found(chain, seq, found_at, kind):
    """A gap shows at once; a cut at the end shows against the head."""
    tamper(chain, f"DELETE FROM timeline_text WHERE seq = {seq}", f"DELETE FROM timeline WHERE seq = {seq}")

    found = fault(chain)

    assert (found.seq, found.kind) == (found_at, kind)


def test_reordered_rows_are_found(chain):
    """Two entries that changed places do not fit their places."""
    tamper(
        chain,
        "DELETE FROM timeline_text",
        "UPDATE timeline SET seq = 99 WHERE seq = 3",
        "UPDATE timeline SET seq = 3 WHERE seq = 4",
        "UPDATE timeline SET seq = 4 WHERE seq = 99",
    )

    found = fault(chain)

    assert (found.seq, found.kind) == (3, "edited")


def test_a_cut_with_a_fitting_head_shows_against_an_anchor(chain):
    """Who also rewrites the head is found by a head that was written down elsewhere, and only by that."""
    with chain.read() as unit:
        anchor = timeline.head(unit)
        fourth = timeline.since(unit, 3, 1)[0]
    tamper(
        chain,
        "DELETE FROM timeline_text WHERE seq = 5",
        "DELETE FROM timeline WHERE seq = 5",
        "UPDATE timeline_head SET seq = 4, hash = (SELECT hash FROM timeline WHERE seq = 4)",
    )

    assert fourth.seq == 4
    assert fault(chain) is None
    assert (fault(chain, anchor).seq, fault(chain, anchor).kind) == (5, "anchor")


def test_another_chain_is_found_against_an_anchor(chain):
    """A chain that was written anew does not have the anchor's hash at its place."""
    assert fault(chain, Head(3, "0" * 64)).kind == "anchor"


def test_erased_text_leaves_the_chain_whole(chain):
    """A person's text can be taken away: the entry says so, and the chain still holds."""
    with chain.begin() as unit:
        erased, again = timeline.erase_text(unit, 3), timeline.erase_text(unit, 3)

    with chain.read() as unit:
        found = timeline.since(unit, 2, 1)[0]
    assert (erased, again) == (True, False)
    assert (found.entry.text, found.erased) == (None, True)
    assert fault(chain) is None


def test_what_is_rolled_back_leaves_no_gap(chain):
    """A sequence number is given with the commit: a failed unit takes none."""
    entry = Entry("commented", 9_000, SYSTEM)

    def append_and_fail():
        with chain.begin() as unit:
            timeline.append(unit, [(1, entry)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        append_and_fail()

    with chain.begin() as unit:
        head = timeline.append(unit, [(1, entry)])

    assert head.seq == 6
    assert fault(chain) is None


def test_appenders_at_the_same_time_make_one_chain(chain, database_url):
    """Commit order is sequence order: whoever reads on after n never misses an entry that commits later."""
    writers, each = 4, 15
    opened = [Database.open(database_url) for _ in range(writers)]
    seen, failed, done = [], [], threading.Event()

    def append(writer):
        try:
            for n in range(each):
                with opened[writer].begin(wait_ms=20_000) as unit:
                    timeline.append(unit, [(1, Entry("commented", n, Actor("person", str(writer))))] * 2)
        except Exception as error:  # noqa: BLE001  told by the test below
            failed.append(error)

    def follow():
        last = 5
        while True:
            finished = done.is_set()
            with chain.read() as unit:
                page = timeline.since(unit, last, 50)
            seen.extend(found.seq for found in page)
            last = page[-1].seq if page else last
            if finished and not page:
                return

    threads = [threading.Thread(target=append, args=(writer,)) for writer in range(writers)]
    follower = threading.Thread(target=follow)
    for thread in (follower, *threads):
        thread.start()
    for thread in threads:
        thread.join(60)
    done.set()
    follower.join(60)
    for database in opened:
        database.close()

    assert failed == []
    assert seen == list(range(6, 6 + writers * each * 2))
    assert fault(chain) is None


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.booleans() | st.none()))
def test_every_part_of_an_entry_is_in_its_hash(text, data):
    """Changing any part, or the place, changes the hash; the same entry always gives the same one."""
    entry = Entry("commented", 1_000, ANA, data, text)
    digest = text_digest(text)
    base = link_hash(GENESIS, 1, 1, entry, digest)

    others = [
        link_hash("1" * 64, 1, 1, entry, digest),
        link_hash(GENESIS, 2, 1, entry, digest),
        link_hash(GENESIS, 1, 2, entry, digest),
        link_hash(GENESIS, 1, 1, replace(entry, at_ms=1_001), digest),
        link_hash(GENESIS, 1, 1, replace(entry, actor=SYSTEM), digest),
        link_hash(GENESIS, 1, 1, replace(entry, type="closed"), digest),
        link_hash(GENESIS, 1, 1, replace(entry, data={**data, "x\x00y": 1}), digest),
        link_hash(GENESIS, 1, 1, entry, text_digest(text + "x")),
    ]

    assert len({base, *others}) == len(others) + 1
    assert link_hash(GENESIS, 1, 1, replace(entry, data=dict(reversed(data.items()))), digest) == base
