"""What every resource needs: the database, the clock, the settings; and how a write is tried until it succeeds."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Protocol, TypeVar

from fastapi import Depends, Request

from iotops import clock
from iotops.api.asking import Asking
from iotops.api.broadcast import Broadcast
from iotops.api.doorbook import Doorbook
from iotops.api.open_reads import Allowance, Kept
from iotops.api.pace import Failures, Pace, Streams
from iotops.api.runs import Runs
from iotops.api.units import Units
from iotops.errors import CommitUnknown, StoreBusy
from iotops.incidents.deadlines import Policy
from iotops.settings import Settings
from iotops.store import deeds
from iotops.store.database import Database, Unit
from iotops.store.incidents import policy_of

T = TypeVar("T")

WRITE_WITHIN_MS = 2_000  # ingest commits every 50 ms; a writer that gets no turn for 2 s says so (DESIGN: the heart)
_LOOK_MS = 25  # SQLite looks for its turn ever more seldom, in the end each 100 ms; who asks anew looks more often
_PAUSE_S = 0.002


class Finding(Protocol):
    """What a look around has found; the rooms that look stand above this one, and hand it in."""

    @property
    def name(self) -> str:
        """Return what was looked at."""

    @property
    def level(self) -> Literal["ok", "warning", "failed"]:
        """Return how it is."""

    @property
    def found(self) -> str:
        """Return what is so."""

    @property
    def advice(self) -> str:
        """Return what to do about it."""


CheckUp = Callable[[], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Context:
    """The application's surroundings, made once by `create_app`; `asking` is of one request."""

    database: Database
    settings: Settings
    version: str
    broadcast: Broadcast
    units: Units
    doorbook: Doorbook
    pace: Pace
    failures: Failures
    streams: Streams
    asking: Asking | None = None
    now_ms: Callable[[], int] = clock.now_ms
    allowance: Allowance = field(default_factory=Allowance)
    statuses: Kept[Any] = field(default_factory=Kept)
    runs: Runs = field(default_factory=Runs)
    check_up: CheckUp = tuple

    @property
    def policy(self) -> Policy:
        """Return the times of the incident life cycle."""
        return policy_of(self.settings.incidents)

    def read(self) -> AbstractContextManager[Unit]:
        """Give a read-only transaction."""
        return self.database.read()

    def write(self, work: Callable[[Unit], T]) -> T:
        """Run `work` in one write transaction, again while the database is busy, for up to `WRITE_WITHIN_MS`.

        Who asked for it is written into the chain of deeds in the same transaction.

        Raises:
            StoreBusy: no turn within that time; or, as `CommitUnknown`, the commit's answer was lost: trying again here
                could do the work twice.
        """
        deadline_ms = clock.monotonic_ms() + WRITE_WITHIN_MS
        while True:
            left_ms = max(0, deadline_ms - clock.monotonic_ms())
            try:
                with self.database.begin(wait_ms=min(left_ms, _LOOK_MS), somebody_waits=True) as unit:
                    _wait_for_rows(unit, left_ms)
                    done = work(unit)
                    if self.asking is not None and not self.asking.repeated:
                        deeds.append(unit, [self.asking.deed(self.now_ms())])
                    return done
            except CommitUnknown:
                raise
            except StoreBusy:
                if clock.monotonic_ms() >= deadline_ms:
                    raise
            time.sleep(_PAUSE_S)

    def tell(self, **details: Any) -> None:
        """Say more about what is done in this request than its path says, for the chain of deeds; no secrets."""
        if self.asking is not None:
            self.asking.details.update(details)


def _wait_for_rows(unit: Unit, wait_ms: int) -> None:
    """Let a PostgreSQL transaction wait for locked rows as long as a SQLite one waits for its turn."""
    if unit.dialect == "postgresql":
        unit.connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, wait_ms)}")


async def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return replace(context, asking=Asking.of(request))


ContextOf = Annotated[Context, Depends(_context)]
