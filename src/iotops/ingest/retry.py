"""Doing the same work again until the database takes it."""

import logging
import random
import threading
from collections.abc import Callable

from iotops.errors import CommitUnknown, Overtaken, StoreBusy

LOG = logging.getLogger(__name__)
FIRST_DELAY_S = 0.05
LONGEST_DELAY_S = 5.0


class Stopped(Exception):
    """The wait for the database was ended from outside; the work is not done, and nothing is acknowledged."""


class Patience:
    """Retries a transaction that the database refuses for now, with growing pauses, until told to stop.

    Attributes:
        trouble: what the database said last, None while it works; readiness reports it.
    """

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.trouble: str | None = None

    def insist(self, work: Callable[[], None], committed: Callable[[CommitUnknown], bool]) -> None:
        """Return once `work` is committed.

        Args:
            work: the same transaction each time.
            committed: tells, where a commit ended without an answer, whether it happened; it may raise `StoreBusy`. It
                is asked again before each further attempt: a commit may still be under way when it is asked first.

        Raises:
            Stopped: `stop` was set while waiting.
            Overtaken: another process committed in between; never where it may have been `work` itself.
        """
        delay_s = FIRST_DELAY_S
        unknown: CommitUnknown | None = None
        while True:
            try:
                _attempt(work, committed, unknown)
            except CommitUnknown as error:
                unknown, trouble = error, str(error)
            except StoreBusy as error:
                trouble = str(error)
            else:
                self.trouble = None
                return
            if self.trouble is None:
                LOG.warning("%s; nothing is acknowledged until it works again", trouble)
            self.trouble = trouble
            if self._stop.wait(delay_s * random.uniform(0.5, 1.5)):  # noqa: S311  jitter, not a secret
                raise Stopped(trouble)
            delay_s = min(delay_s * 2, LONGEST_DELAY_S)


def _attempt(
    work: Callable[[], None], committed: Callable[[CommitUnknown], bool], unknown: CommitUnknown | None
) -> None:
    """Do the work, unless the attempt before turns out to have done it."""
    if unknown is not None and committed(unknown):
        return
    try:
        work()
    except Overtaken:
        # The database may have finished the lost commit between the look and this attempt; now it has.
        if unknown is None or not committed(unknown):
            raise
