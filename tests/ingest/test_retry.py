"""Work that the database refuses for now is done again, never dropped."""

import threading

import pytest

from iotops.errors import CommitUnknown, Overtaken, PoisonRow, StoreBusy
from iotops.ingest import retry
from iotops.ingest.retry import Patience, Stopped


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


def work_that(*outcomes):
    """Return work that raises each outcome in turn, None meaning success, and the list of its calls."""
    left = list(outcomes)
    calls = []

    def work():
        calls.append(1)
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome

    return work, calls


def test_busy_database_is_asked_again():
    """A busy database delays the work and loses nothing."""
    work, calls = work_that(StoreBusy("locked"), StoreBusy("locked"), None)
    patience = Patience(threading.Event())

    patience.insist(work, committed=lambda _error: False)

    assert len(calls) == 3
    assert patience.trouble is None


@pytest.mark.parametrize(("happened", "expected_calls"), [(True, 1), (False, 2)])
def test_unknown_commit_is_looked_up_before_it_is_done_again(happened, expected_calls):
    """A commit without an answer is repeated only where it did not happen."""
    work, calls = work_that(CommitUnknown("gone", unit=None), None)

    Patience(threading.Event()).insist(work, committed=lambda _error: happened)

    assert len(calls) == expected_calls


def test_poison_is_not_repeated():
    """What is refused for good is the caller's to take apart."""
    work, calls = work_that(PoisonRow("too big"))

    with pytest.raises(PoisonRow):
        Patience(threading.Event()).insist(work, committed=lambda _error: False)

    assert len(calls) == 1


def test_stop_ends_the_wait_and_says_why():
    """A shutdown does not wait for a database that is gone."""
    stop = threading.Event()
    stop.set()
    work, _calls = work_that(StoreBusy("disk full"))
    patience = Patience(stop)

    with pytest.raises(Stopped, match="disk full"):
        patience.insist(work, committed=lambda _error: False)

    assert patience.trouble == "disk full"


def test_commit_that_lands_after_the_look_is_not_done_again():
    """PostgreSQL may finish a commit whose connection is gone after we looked; the next attempt tells."""
    landed = iter([False, True])
    work, calls = work_that(CommitUnknown("gone", unit=None), Overtaken("batch 2 does not follow"))
    patience = Patience(threading.Event())

    patience.insist(work, committed=lambda _error: next(landed))

    assert len(calls) == 2
    assert patience.trouble is None


def test_rival_ends_the_attempts():
    """Where another process committed, trying again would never end."""
    work, calls = work_that(Overtaken("batch 2 does not follow"))

    with pytest.raises(Overtaken):
        Patience(threading.Event()).insist(work, committed=lambda _error: False)

    assert len(calls) == 1
