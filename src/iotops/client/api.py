"""One caller of the HTTP API: sends the token, follows cursors, and turns refusals into sentences."""

import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from iotops.api.listening import is_loopback
from iotops.errors import ApiError

_TIMEOUT_S = 20.0  # the API itself gives up waiting for the database after 2 s
_PAGE = 200  # the most that the API gives at once
_PATIENCE = 5  # times that we are told to come back later, before we give up
_WAITS_S = 10  # longer waits are the caller's to decide
_ADVICE = {
    401: "; put a valid one into IOTOPS_TOKEN",
    403: "; use a token of a role and site that may, see `iotops token create --help`",
    412: "; read it again and repeat",
}


class Api:
    """The API at an address, for the holder of a token; a context manager that closes its connections.

    Raises:
        ApiError: there is no token, or the address is none.
    """

    def __init__(self, url: str, token: str) -> None:
        if not token:
            msg = "no token: set IOTOPS_TOKEN; `iotops token create --role operator` makes one beside the database"
            raise ApiError(msg)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ApiError(f"--url {url!r} is no address of an API; write for instance http://127.0.0.1:8000")
        self._url = url.rstrip("/")
        self._client = httpx.Client(
            base_url=f"{self._url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            follow_redirects=True,  # the number of a merged incident leads to the one that tells its story
            trust_env=not is_loopback(parts.hostname),  # a proxy of the environment does not reach our loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send one request and return the answer, which is a success.

        Raises:
            ApiError: nobody answers, or the answer is a refusal; the text is the API's own, with what to do.
        """
        try:
            answer = self._patiently(method, path, params=params, json=body, headers=headers)
        except httpx.TransportError as error:
            msg = (
                f"{self._url}: cannot connect ({error}); start `iotops up`, or say where it runs by --url or IOTOPS_URL"
            )
            raise ApiError(msg) from error
        if not answer.is_success:
            raise ApiError(self._refusal(answer), answer.status_code)
        return answer

    def get(self, path: str, **params: Any) -> Any:
        """Return what the API has at a path."""
        return self.ask("GET", path, params=params).json()

    def items(self, path: str, params: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
        """Return the first `limit` items of a list, page by page."""
        found: list[dict[str, Any]] = []
        cursor: Mapping[str, str] = {}
        while True:
            page = self.get(path, **params, **cursor, limit=min(_PAGE, limit - len(found)))
            found += page["items"]
            if page["next_cursor"] is None or len(found) >= limit:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def _patiently(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send a request, and again where the API says that we ask too often and when to come back."""
        for _ in range(_PATIENCE):
            answer = self._client.request(method, path, **request)
            wait_s = answer.headers.get("retry-after", "")
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS or not wait_s.isdigit() or int(wait_s) > _WAITS_S:
                return answer
            time.sleep(int(wait_s))
        return answer

    def _refusal(self, answer: httpx.Response) -> str:
        try:
            problem = answer.json()
            detail = problem["detail"]
        except (ValueError, KeyError, TypeError):
            return f"{self._url}: answered {answer.status_code} without saying why; is that an iotops?"
        return f"{detail}{_ADVICE.get(answer.status_code, '')} ({answer.status_code} {problem.get('code', '')})"


def given(**values: Any) -> dict[str, Any]:
    """Return the members that were given: neither None nor an empty sequence."""
    return {name: value for name, value in values.items() if value is not None and value not in ((), [])}


def query(filters: Mapping[str, Sequence[str] | str | None]) -> dict[str, Any]:
    """Return filters as query parameters, without those that accept everything."""
    return given(**{name: list(value) if isinstance(value, tuple) else value for name, value in filters.items()})
