"""The incidents of a running iotops, as a table that grows while they are raised."""

from collections.abc import Iterator
from typing import Any

import click
import httpx

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
        self._client = httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=20)
        self._to_stderr = to_stderr
        self._shown: dict[str, str] = {}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

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
        found: dict[str, Any] = self._get("/ingest", {})
        return found

    def _incidents(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {"sort": "raised_at", "limit": 200}
        while True:
            page = self._get("/incidents", query)
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def _get(self, path: str, query: dict[str, Any]) -> Any:
        answer = self._client.get(path, params=query)
        answer.raise_for_status()
        return answer.json()
