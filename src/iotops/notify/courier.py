"""The courier: from outbox to messages, and messages to channels, in threads of its own.

One thread looks after everything, and each channel has at most one message on its way, in another: an endpoint that
is dead keeps its own channel waiting, and neither the ingest nor any other channel.
"""

import logging
import queue
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from iotops.clock import now_ms
from iotops.errors import DeliveryFailed, RuleFileError, StoreError
from iotops.notify.message import compose
from iotops.notify.routefile import load_notify
from iotops.notify.routes import LOG_ONLY, Notify, Retry, Route
from iotops.store import notices
from iotops.store.database import Database, Unit
from iotops.store.notices import Gathering, Notice, Times, Told

LOG = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
_AT_ONCE = 100
_BEGIN_AGAIN = frozenset({"raised", "reopened"})


class _Outcome(NamedTuple):
    notice: Notice
    error: str | None


class Courier:
    """Tells people, until it is stopped. One per database: it runs where the scheduler does."""

    def __init__(self, database: Database, directory: Path, jitter: Callable[[], float] = random.random) -> None:
        self.notify: Notify = LOG_ONLY
        self.problem: str | None = None
        self._database, self._directory, self._jitter = database, directory, jitter
        self._busy: set[str] = set()
        self._outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._unwritten: list[_Outcome] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin; what was on its way when a process ended is sent again, under the same key."""
        self._thread.start()

    def stop(self) -> None:
        """End after the turn; what is on its way is sent again by the next courier."""
        self._stop.set()
        self._thread.join(10)

    def turn(self, at_ms: int) -> None:
        """Do what there is to do: write how deliveries went, gather what is new, send what is due."""
        self._read_file()
        self._write_outcomes(at_ms)
        while self._gather(at_ms) == _AT_ONCE:
            pass
        with self._database.begin() as unit:
            claimed = notices.claim(unit, at_ms, self._busy)
        for each in claimed:
            self._send(each, at_ms)

    def _run(self) -> None:
        begun = False
        while not self._stop.is_set():
            try:
                if not begun:
                    with self._database.begin() as unit:
                        notices.take_back(unit, now_ms())
                    begun = True
                self.turn(now_ms())
            except StoreError as error:
                LOG.warning("notifications: %s; tried again", error)
            except Exception:
                LOG.exception("notifications: failed; tried again")
            self._stop.wait(LOOK_EVERY_S)

    def _read_file(self) -> None:
        try:
            self.notify, problem = load_notify(self._directory), None
        except RuleFileError as error:
            problem = str(error)
        if problem is not None and problem != self.problem:
            LOG.error("notifications: what was said before stays in force\n%s", problem)
        self.problem = problem

    def _gather(self, at_ms: int) -> int:
        """Take events out of the outbox and put them into messages, in one transaction; returns how many."""
        with self._database.begin() as unit:
            taken = notices.take(unit, _AT_ONCE)
            routes = {route.name: route for route in self.notify.routes}
            with notices.gathering(unit) as messages:
                for told in taken:
                    self._tell(unit, messages, told, at_ms)
                for name, told in notices.reminders(unit, at_ms, _AT_ONCE):
                    if self._remind(unit, routes.get(name), name, told, at_ms):
                        _put(messages, routes[name], told, at_ms)
        return len(taken)

    def _tell(self, unit: Unit, messages: Gathering, told: Told, at_ms: int) -> None:
        if told.incident.merged_into is not None:
            return  # another incident tells its story
        for route in self.notify.routes:
            if not route.match.fits(told.incident, told.event):
                continue
            _put(messages, route, told, at_ms)
            if route.repeat is not None and told.event in _BEGIN_AGAIN:
                notices.remind_at(unit, told.incident_id, route.name, at_ms + route.repeat)

    @staticmethod
    def _remind(unit: Unit, route: Route | None, name: str, told: Told, at_ms: int) -> bool:
        """Say when an incident is told of again, if it is; returns whether it is to be told of now."""
        if route is None or route.repeat is None or told.incident.state != "new":
            notices.forget_reminder(unit, told.incident_id, name)
            return False
        notices.remind_at(unit, told.incident_id, name, at_ms + route.repeat)
        return True

    def _send(self, notice: Notice, at_ms: int) -> None:
        self._busy.add(notice.channel)
        name = f"courier {notice.channel}"
        threading.Thread(target=self._deliver, args=(notice, at_ms), name=name, daemon=True).start()

    def _deliver(self, notice: Notice, at_ms: int) -> None:
        channel, error = self.notify.channels.get(notice.channel), None
        if channel is None:
            error = f"notify.yaml has no channel {notice.channel!r} any more"
        else:
            try:
                channel.send(compose(notice, self.notify.link), at_ms)
            except DeliveryFailed as failed:
                error = str(failed)
            except Exception as failed:
                LOG.exception("notification %s: %s failed", notice.key, notice.channel)
                error = f"{type(failed).__name__}; see the log"
        self._outcomes.put(_Outcome(notice, error))

    def _write_outcomes(self, at_ms: int) -> None:
        while not self._outcomes.empty():
            self._unwritten.append(self._outcomes.get())
        while self._unwritten:
            found = self._unwritten[0]
            retry_ms = None if found.error is None else self._retry_ms(found.notice, at_ms)
            with self._database.begin() as unit:
                notices.settle(unit, found.notice.id, at_ms, error=found.error, retry_ms=retry_ms)
            if found.error is not None and retry_ms is None:
                LOG.error("notification %s to %s is given up: %s", found.notice.id, found.notice.channel, found.error)
            self._busy.discard(found.notice.channel)
            self._unwritten.pop(0)

    def _retry_ms(self, notice: Notice, at_ms: int) -> int | None:
        retry: Retry = self.notify.retry
        made = notice.attempts + 1
        if made >= retry.attempts:
            return None
        # Half of the wait is fixed, half by chance: many that failed together do not come back together.
        wait_ms = min(retry.most, retry.first * 2 ** min(notice.attempts, 30))
        return at_ms + int(wait_ms * (0.5 + self._jitter() / 2))


def _put(messages: Gathering, route: Route, told: Told, at_ms: int) -> None:
    priority = told.incident.priority
    times = Times(at_ms, route.due_ms(at_ms, priority), lambda sent_ms: route.may_join(sent_ms, at_ms, priority))
    for channel in route.channels:
        messages.add(route.name, channel, told, times)
