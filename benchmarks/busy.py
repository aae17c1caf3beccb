"""Traffic beside what is measured: broker, publisher and ingest at full speed over a database that has a long past."""

from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.ingest import Publisher, Site
from benchmarks.story import RULE_FILE
from iotops.store.database import Database


class Traffic:
    """A context in which the ingest commits as fast as it can, until all messages are stored."""

    def __init__(self, directory: Path, database: Database, mosquitto: str, messages: int) -> None:
        self._site = Site(directory, database.secret_url, mosquitto)
        (directory / "rules" / "past.yaml").write_text(RULE_FILE)
        self._messages, self._before = messages, 0
        self._publisher: Publisher | None = None

    def __enter__(self) -> Self:
        try:
            self._site.broker.start()
            self._site.start_ingest()
            self._before = self._site.stored()
            self._publisher = self._site.publisher(self._messages)
            self._publisher.go()
            self._site.wait_stored(self._before + 1)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """Return the process id of the ingest."""
        assert self._site.ingest.pid is not None
        return self._site.ingest.pid

    @property
    def stored(self) -> int:
        """Return how many messages are stored by now, of those that are published here."""
        return self._site.stored() - self._before

    @property
    def lasts(self) -> bool:
        """Say whether there are messages left to store."""
        return self.stored < self._messages

    def _end(self) -> None:
        if self._publisher is not None:
            self._publisher.process.kill()
            self._publisher.process.communicate()
        self._site.stop()
        self._site.close()
