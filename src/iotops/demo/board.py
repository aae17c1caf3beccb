"""The incidents of a running iotops, as a table that grows while they are raised."""

import sys
from typing import Any

import click

from iotops.client.api import Api
from iotops.demo.score import Raised
from iotops.durations import parse_instant
from iotops.logs import escape

_ROW = "{number:<12}{priority:<5}{state:<12}{where:<26}{title}"


class Board:
    """Asks the API for incidents and prints what is new.

    Args:
        url: of the API.
        token: of any role.
        to_stderr: print there, because standard output is for programs.
    """

    def __init__(self, url: str, token: str, *, to_stderr: bool) -> None:
        self._api = Api(url, token)
        self._to_stderr = to_stderr
        self._shown: dict[str, str] = {}

    def close(self) -> None:
        """Close the connection."""
        self._api.close()

    def say(self, line: str = "") -> None:
        """Print a line for people."""
        click.echo(line, err=self._to_stderr)

    def look(self) -> int:
        """Print incidents that are new or whose state changed; return how many there are."""
        count = 0
        for found in self._incidents():
            count += 1
            if self._shown.get(found["number"]) != found["state"]:
                if not self._shown:
                    self.say(_ROW.format(number="number", priority="prio", state="state", where="where", title="title"))
                self._shown[found["number"]] = found["state"]
                where = "/".join(part for part in (found["site"], found["device"]) if part)
                self.say(escape(_ROW.format(**{**found, "where": where})))
        return count

    def raised(self) -> list[Raised]:
        """Return every incident, as far as the score needs it."""
        return [
            Raised(
                number=found["number"],
                rule=found["rule"] or "",
                site=found["site"] or "",
                device=found["device"],
                fired_ms=parse_instant(found["fired_at"] or found["raised_at"]),
            )
            for found in self._incidents()
        ]

    def ingest(self) -> dict[str, Any]:
        """Return what the ingest says about itself."""
        found: dict[str, Any] = self._api.get("/ingest")
        return found

    def _incidents(self) -> list[dict[str, Any]]:
        return self._api.items("/incidents", {"sort": "raised_at"}, sys.maxsize)
