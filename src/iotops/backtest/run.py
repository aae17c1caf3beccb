"""Run a backtest: here, or in processes side by side, each with devices that the others' rules do not ask for."""

import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Final

from iotops.backtest.judging import judge, starts_ms
from iotops.backtest.partition import shares
from iotops.backtest.question import Answer, Question
from iotops.errors import IotopsError
from iotops.store import facts as known_facts
from iotops.store.database import Database
from iotops.store.history import Wanted, count

WORTH_A_PROCESS: Final = 100_000
"""Readings below which a second process takes longer to start than it saves."""
_TOLD_EVERY: Final = 20_000
_END_WITHIN_S: Final = 5.0

Progress = Callable[[int, int], None]
"""Is told how many readings were judged so far, and of about how many."""


class TookTooLong(IotopsError):
    """A backtest was ended because its time was over."""


def backtest(
    question: Question,
    progress: Progress = lambda _done, _all: None,
    *,
    processes: int | None = None,
    within_s: float | None = None,
) -> Answer:
    """Answer a question.

    Args:
        question: what to judge over what.
        progress: told now and then.
        processes: at most so many; None: one for each processor, where the range is worth it. 0: in this one.
        within_s: give up after so many seconds; only where `processes` is not 0.

    Raises:
        TookTooLong: it was given up.
        StoreError: the database cannot be read.
    """
    begun = time.perf_counter()
    database = Database.open(question.database_url)
    try:
        expected, numbers = _look(database, question, processes)
        if numbers is None:
            told = _Told(progress, expected)
            answer = judge(database, question, progress=told.more)
        else:
            answer = _side_by_side(question, numbers, _Told(progress, expected), within_s)
    finally:
        database.close()
    answer.took_s = time.perf_counter() - begun
    return answer


class _Told:
    """Adds up what is done."""

    def __init__(self, progress: Progress, expected: int) -> None:
        self._progress = progress
        self._expected = expected
        self._done = 0

    def more(self, readings: int) -> None:
        self._done += readings
        self._progress(self._done, max(self._expected, self._done))


def _look(database: Database, question: Question, processes: int | None) -> tuple[int, list[frozenset[int]] | None]:
    """Return about how many readings there are, and the devices of each process; None: no process is needed."""
    with database.read() as unit:
        now = known_facts.facts_now(unit)
        wanted = Wanted(starts_ms(question, now.values()), question.until_ms, by_event=question.by_event)
        expected = count(unit, wanted)
        if processes == 0 or (processes is None and expected < WORTH_A_PROCESS):
            return expected, None
        asked = [facts for facts in now.values() if question.wants(facts)]
        number_of = {key: number for number, key in known_facts.ids(unit).items()}
    many = shares(question.rules, asked, processes or os.cpu_count() or 1)
    if processes is None and len(many) < 2:
        return expected, None
    return expected, [frozenset(number_of[facts.key] for facts in share) for share in many]


def _side_by_side(question: Question, numbers: Sequence[frozenset[int]], told: _Told, within_s: float | None) -> Answer:
    context = multiprocessing.get_context("spawn")  # a fork would share this process's database connections
    workers = [_start(context, question, some) for some in numbers]
    try:
        parts = _gathered([connection for _, connection in workers], told, within_s)
    finally:
        for process, connection in workers:
            process.terminate()
            process.join(_END_WITHIN_S)
            connection.close()
    first, *others = parts
    for part in others:
        first.add(part)
    return first


def _gathered(waiting: list[Connection], told: _Told, within_s: float | None) -> list[Answer]:
    """Return what each process answers, and pass on how far they are."""
    deadline = None if within_s is None else time.monotonic() + within_s
    parts: list[Answer] = []
    while waiting:
        ready = wait(waiting, None if deadline is None else max(0.0, deadline - time.monotonic()))
        if not ready:
            msg = f"backtest: not done within {within_s:g} s; choose a shorter range, fewer devices or fewer rules"
            raise TookTooLong(msg)
        for connection in [each for each in waiting if each in ready]:
            found = _received(connection)
            if isinstance(found, int):
                told.more(found)
            else:
                parts.append(found)
                waiting.remove(connection)
    return parts


def _received(connection: Connection) -> int | Answer:
    try:
        found = connection.recv()
    except EOFError as error:
        msg = "backtest: a process ended before it was done; is there enough memory?"
        raise IotopsError(msg) from error
    if isinstance(found, IotopsError):
        raise found
    assert isinstance(found, int | Answer)  # noqa: S101  for the type checker: `_work` sends nothing else
    return found


def _start(context: SpawnContext, question: Question, numbers: frozenset[int]) -> tuple[SpawnProcess, Connection]:
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, question, numbers), daemon=True)
    process.start()
    there.close()
    return process, here


def _work(connection: Connection, question: Question, numbers: frozenset[int]) -> None:
    """Judge some devices, in a process of its own."""
    pending = 0

    def more(readings: int) -> None:
        nonlocal pending
        pending += readings
        if pending >= _TOLD_EVERY:
            connection.send(pending)
            pending = 0

    try:
        database = Database.open(question.database_url)
        try:
            connection.send(judge(database, question, numbers, more))
        finally:
            database.close()
    except IotopsError as error:
        connection.send(IotopsError(str(error)))
