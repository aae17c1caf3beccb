"""Who sees an incident: another connection to the database, and a client of /stream. Both note when, on one clock."""

import http.client
import json
import threading
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self

from sqlalchemy import select

from iotops.store.database import Database
from iotops.store.tables import incident

_LOOK_S = 0.005
_QUIET_S = 30.0  # /stream gives a sign of life every five seconds


class _Onlooker:
    """A thread that notes what it saw, and when (`time.perf_counter`)."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._over = threading.Event()
        self._ready = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def of(self, names: Collection[str], until_s: float) -> Mapping[str, float]:
        """Return name -> when it was seen, as soon as all were, or at a time (`time.monotonic`): then without some.

        Raises:
            RuntimeError: looking failed.
        """
        while time.monotonic() < until_s and not all(name in self._seen for name in names):
            if self._error is not None:
                raise RuntimeError(f"{type(self).__name__}: {self._error}") from self._error
            time.sleep(0.05)
        return {name: self._seen[name] for name in names if name in self._seen}

    def _run(self) -> None:
        try:
            self._look()
        except Exception as error:  # noqa: BLE001  told by whoever asks
            self._error = error
        finally:
            self._ready.set()

    def _look(self) -> None:
        raise NotImplementedError


class Commits(_Onlooker):
    """Asks the database for new incidents. `numbers`: name of the device -> number of its incident."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.numbers: dict[str, str] = {}
        self._database = database

    def _look(self) -> None:
        newest = 0
        while not self._over.is_set():
            asked = select(incident.c.id, incident.c.number, incident.c.device).where(incident.c.id > newest)
            with self._database.read() as unit:
                rows = unit.connection.execute(asked.order_by(incident.c.id)).all()
            at_s = time.perf_counter()
            for row in rows:
                newest = row.id
                if row.device is not None and row.device not in self._seen:
                    self.numbers[row.device] = row.number
                    self._seen[row.device] = at_s
            self._ready.set()
            time.sleep(_LOOK_S)


class Stream(_Onlooker):
    """Follows /stream, and resumes where the API ends it; notes the first entry of each incident by its number."""

    def __init__(self, port: int, token: str) -> None:
        super().__init__()
        self._port, self._headers = port, {"Authorization": f"Bearer {token}"}

    def _look(self) -> None:
        after = ""
        while not self._over.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_QUIET_S)
            connection.request("GET", "/api/v1/stream", headers={**self._headers, **_resume(after)})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise RuntimeError(f"/stream: {answer.status} {answer.read(500)!r}")
            while not self._over.is_set() and (line := answer.readline()):
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    after = value
                    self._ready.set()
                elif name == "data":
                    self._seen.setdefault(json.loads(value)["incident"], time.perf_counter())
            connection.close()


def _resume(after: str) -> dict[str, str]:
    return {"Last-Event-ID": after} if after else {}
