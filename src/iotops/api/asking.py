"""The request behind a change or a denial, as the chain of deeds tells it."""

import ipaddress
from typing import Any

from fastapi import Request

from iotops.store.deeds import Deed


class Asking:
    """Who asks for what, within one request.

    Attributes:
        actor: name of the token, None as long as nobody is known; `token`: its id.
        details: what else is worth knowing of a change, beside its path.
        repeated: the answer was kept from an earlier request; nothing is done again.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self.actor: str | None = None
        self.token: str | None = None
        self.details: dict[str, Any] = {}
        self.repeated = False

    @classmethod
    def of(cls, request: Request) -> "Asking":
        """Return the one of a request, made where there is none yet."""
        found = getattr(request.state, "asking", None)
        if not isinstance(found, cls):
            found = request.state.asking = cls(request)
        return found

    def deed(self, at_ms: int) -> Deed:
        """Return what is asked for as something done."""
        kind = "nobody" if self.actor is None else "token"
        operation = getattr(self._request.scope.get("route"), "operation_id", None)
        path = self._request.url.path[:300]
        return Deed(
            at_ms,
            kind,
            self.actor or "",
            operation or self._request.method,
            path,
            address=address_of(self._request),
            data=self.details if self.token is None else {"token": self.token, **self.details},
        )


def address_of(request: Request) -> str | None:
    """Return where a request comes from: an address, of IPv6 the network that one customer has; None: not known."""
    host = request.client.host if request.client is not None else None
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
