"""Backtests that go on while nobody waits: how far each is, and what came of it, kept for a while in this process."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from iotops.api.problems import Problem
from iotops.errors import IotopsError

KEPT: Final = 20
"""Runs that are remembered; the oldest one that is over makes room."""
one_backtest = threading.Lock()
"""Held by whatever backtests in this process: each takes a processor and some hundred megabytes."""

State = Literal["running", "done", "failed"]
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Run:
    """One run.

    Attributes:
        rule: what is tried; `owner`: the token that asked.
        done: readings judged so far, `of` about so many.
        answer: what came of it, None until then; `error`: why nothing did.
    """

    rule: str
    owner: str
    begun_ms: int
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    state: State = "running"
    done: int = 0
    of: int = 0
    answer: dict[str, Any] | None = None
    error: str | None = None

    def tell(self, done: int, of: int) -> None:
        """Note how far it is."""
        self.done, self.of = done, of


class Runs:
    """The runs of this process, the oldest first."""

    def __init__(self) -> None:
        self._runs: dict[str, Run] = {}
        self._change = threading.Lock()

    def begin(self, run: Run, work: Callable[[Progress], dict[str, Any]]) -> Run:
        """Let `work` go on in the background.

        Raises:
            Problem: too_many_requests, while another backtest goes on.
        """
        if not one_backtest.acquire(blocking=False):
            raise Problem("too_many_requests", "another backtest is running; ask again when it is done")
        with self._change:
            self._runs[run.id] = run
            while len(self._runs) > KEPT:
                del self._runs[next(iter(self._runs))]
        threading.Thread(target=_do, args=(run, work), name=f"backtest {run.id}", daemon=True).start()
        return run

    def get(self, run_id: str) -> Run | None:
        """Return a run, None where none is remembered."""
        return self._runs.get(run_id)


def _do(run: Run, work: Callable[[Progress], dict[str, Any]]) -> None:
    try:
        run.answer = work(run.tell)
        run.state = "done"
    except (IotopsError, ValueError) as error:
        run.error, run.state = str(error), "failed"
    except Exception:
        run.error, run.state = "it failed; the fault is in the server's log", "failed"
        raise
    finally:
        one_backtest.release()
