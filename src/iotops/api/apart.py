"""Work on what somebody sent, in a process of its own: it may take only so long, and cannot take the API with it."""

import multiprocessing
import resource
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final

from iotops.api.problems import Problem

WITHIN_S: Final = 20.0
_END_WITHIN_S: Final = 5.0
_one_at_a_time = threading.Lock()  # each takes a processor


def done_apart(work: Callable[..., Any], *arguments: Any, within_s: float = WITHIN_S) -> Any:
    """Return what a function of a module returns, called in another process with arguments that can be pickled.

    Raises:
        Problem: took_too_long: it was ended after `within_s` seconds, or of processor time, or died;
            too_many_requests: another one is at it.
    """
    if not _one_at_a_time.acquire(timeout=within_s / 2):
        raise Problem("too_many_requests", "others have rules tested just now; ask again in some seconds")
    try:
        return _answer(work, arguments, within_s)
    finally:
        _one_at_a_time.release()


def _answer(work: Callable[..., Any], arguments: tuple[Any, ...], within_s: float) -> Any:
    context = multiprocessing.get_context("spawn")  # a fork would share this process's database connections
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(there, work, arguments, within_s), daemon=True)
    process.start()
    there.close()
    try:
        if here.poll(within_s):
            return here.recv()
    except EOFError:
        pass  # it died: of its limit of processor time, or of memory
    finally:
        process.kill()
        process.join(_END_WITHIN_S)
        here.close()
    raise Problem("took_too_long", f"not done within {within_s:g} s; write fewer or shorter tests")


def _work(connection: Connection, work: Callable[..., Any], arguments: tuple[Any, ...], within_s: float) -> None:
    limit_s = int(within_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, limit_s))
    connection.send(work(*arguments))
