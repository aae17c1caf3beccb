"""Nothing-lost accounting."""

import pytest

from iotops.ledger import Account, LedgerError, Published, StoredReading, balance, read_ledger
from iotops.telemetry.reading import DeviceKey

FREEZER = DeviceKey("paris", "fz-1")
HEADER = "site,device,boot,seq,ts,sha256,sent_at,acked_at\n"


def published(seq, *, acked=True, boot="b1", ts=1_000, sha="aa"):
    return Published(FREEZER, boot, seq, ts, sha, acked)


def account(rows, stored=(), dead=None) -> Account:
    return balance(rows, lambda _key: stored, lambda _digests: dead or {})


def test_second_publish_of_one_message_is_a_duplicate():
    """Two publishes of one identity are one stored message and one duplicate."""
    found = account([published(1), published(1), published(2)], [StoredReading("b1", 1, 5), StoredReading("b1", 2, 6)])

    assert (found.published, found.stored, found.duplicates, found.lost) == (3, 2, 1, 0)
    assert found.clean


def test_acked_message_that_is_nowhere_is_lost():
    """An acknowledged message that is neither stored nor dead-lettered is lost, and named."""
    found = account([published(1), published(2)], [StoredReading("b1", 1, 5)])

    assert found.lost == 1
    assert "seq=2" in found.named[0]
    assert not found.clean


def test_unacked_message_is_not_lost():
    """What the broker never acknowledged is the device's to send again."""
    found = account([published(1, acked=False)])

    assert (found.unacked, found.lost, found.clean) == (1, 0, True)


def test_dead_letter_counts_once_per_letter():
    """One dead letter accounts for one publish of its payload, not for two."""
    found = account([published(1, sha="xx"), published(2, sha="xx")], dead={"xx": 1})

    assert (found.dead_lettered, found.lost) == (1, 1)


def test_message_published_twice_that_is_a_dead_letter_once_is_a_duplicate():
    """A copy that comes with a redelivery cannot be told from it, and is kept once, as readings are."""
    found = account([published(1, sha="xx"), published(1, sha="xx")], dead={"xx": 1})

    assert (found.dead_lettered, found.duplicates, found.lost) == (1, 1, 0)


def test_repetition_does_not_take_the_letter_of_another_device():
    """Two devices sent the same bytes, one of them twice; there is a letter of each, and nothing is lost."""
    other = Published(DeviceKey("paris", "fz-2"), "b1", 1, 1_000, "xx", True)

    found = account([published(1, sha="xx"), published(1, sha="xx"), other], dead={"xx": 2})

    assert (found.dead_lettered, found.duplicates, found.lost) == (2, 1, 0)


def test_every_letter_of_a_repeated_message_is_counted():
    """What was published twice without a redelivery is two letters."""
    found = account([published(1, sha="xx"), published(1, sha="xx")], dead={"xx": 2})

    assert (found.dead_lettered, found.duplicates, found.lost) == (2, 0, 0)


def test_message_stored_twice_is_a_finding():
    """Exactly once means once."""
    found = account([published(1)], [StoredReading("b1", 1, 5), StoredReading("b1", 1, 5)])

    assert found.stored_twice == 1
    assert not found.clean


def test_message_without_boot_is_found_by_its_time():
    """Without boot and seq the event time and the payload are the identity, and one reading answers for one message."""
    rows = [Published(FREEZER, "", None, 7_000, sha, acked=True) for sha in ("aa", "aa", "bb")]

    assert account(rows, [StoredReading(None, None, 7_000)] * 2).stored == 2
    assert account(rows, [StoredReading(None, None, 7_000)]).lost == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "expected the columns site,device"),
        (HEADER + "p,d,b,x,1,aa,1,1\n", r"csv:2: seq must be a whole number"),
    ],
)
def test_broken_ledger_names_file_and_line(tmp_path, text, message):
    """A ledger that cannot be read says where."""
    file = tmp_path / "published.csv"
    file.write_text(text)

    with pytest.raises(LedgerError, match=message):
        list(read_ledger(file))


def test_ledger_rows_are_read(tmp_path):
    """An empty acked_at is a message that the broker has not acknowledged."""
    file = tmp_path / "published.csv"
    file.write_text(HEADER + "paris,fz-1,b1,1,1000,aa,1,2\nparis,fz-1,b1,2,1000,aa,1,\n")

    assert [row.acked for row in read_ledger(file)] == [True, False]


@pytest.mark.parametrize("ts", ["1767225600", "1767225600000", "1767225600.0", "2026-01-01T00:00:00Z"])
def test_time_is_read_as_devices_write_it(tmp_path, ts):
    """Seconds, milliseconds and RFC 3339 are the same instant in a ledger, as they are in a payload."""
    file = tmp_path / "published.csv"
    file.write_text(HEADER + f"paris,fz-1,,,{ts},aa,1,2\n")

    assert [row.ts for row in read_ledger(file)] == [1_767_225_600_000]
