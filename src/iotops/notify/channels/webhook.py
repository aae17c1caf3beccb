"""Webhooks with Standard Webhooks signatures, sent to public addresses only unless a setting says otherwise.

The name is resolved once, every address it has is judged, and the connection goes to one of those: a name that points
elsewhere a moment later leads nowhere. Redirects are not followed, proxies of the environment not used.
"""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, Field, IPvAnyNetwork, SecretStr
from standardwebhooks import Webhook as Signer

from iotops.errors import DeliveryFailed
from iotops.notify.channels.settings import ChannelSettings
from iotops.notify.message import Message
from iotops.notify.secrets import Address, Secret

_WITHIN_S = 10.0  # for the whole exchange, however slowly an answer drips
_SHARED = ipaddress.ip_network("64:ff9b::/96")  # NAT64: an IPv4 address in disguise


def _strong(secret: SecretStr) -> SecretStr:
    """Refuse a signing secret that is none."""
    try:
        Signer(secret.get_secret_value())
    except Exception as error:
        msg = "expected whsec_ and base64, as Standard Webhooks has it"
        raise ValueError(msg) from error
    if len(secret.get_secret_value().removeprefix("whsec_")) < 32:
        msg = "expected a secret of at least 24 bytes, in base64"
        raise ValueError(msg)
    return secret


class Webhook(ChannelSettings):
    """`kind: webhook`. `secrets` sign each message, all of them: two while one replaces the other.

    `allow`: private networks that may be reached over https; `allow_private`: every one of them, and http.
    """

    kind: Literal["webhook"]
    url: Address
    secrets: Annotated[list[Annotated[Secret, AfterValidator(_strong)]], Field(min_length=1, max_length=3)]
    allow_private: bool = False
    allow: Annotated[list[IPvAnyNetwork], Field(max_length=50)] = Field([])

    def send(self, message: Message, now_ms: int) -> None:
        """Post a message; the id stays over all attempts, the timestamp is that of the attempt.

        Raises:
            DeliveryFailed: the address is not allowed, nobody answers in time, or the answer is no success.
        """
        body = json.dumps(message.payload, ensure_ascii=False)
        at = datetime.fromtimestamp(now_ms / 1000, UTC)
        signed = " ".join(Signer(each.get_secret_value()).sign(message.key, at, body) for each in self.secrets)
        headers = {
            "content-type": "application/json",
            "user-agent": "iotops",
            "webhook-id": message.key,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signed,
        }
        status = _exchange(self.url.get_secret_value(), body.encode(), headers, self)
        if not 200 <= status < 300:
            redirect = "; redirects are not followed, write where it leads" if 300 <= status < 400 else ""
            msg = f"the webhook answered {status}{redirect}"
            raise DeliveryFailed(msg)


def _exchange(url: str, body: bytes, headers: dict[str, str], rules: Webhook) -> int:
    """Post to an address that was judged, and return the status of the answer; its body is not read."""
    parts = urlsplit(url)
    schemes = ("https", "http") if rules.allow_private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        msg = f"the webhook's URL must begin with {' or '.join(schemes)}://; http needs allow_private"
        raise DeliveryFailed(msg)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        address = _judged(parts.hostname, port, rules)
        return asyncio.run(_post(url, address, body, headers))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, TimeoutError) as error:
        msg = f"the webhook at {parts.hostname} cannot be reached: {type(error).__name__}"
        raise DeliveryFailed(msg) from error


def _judged(host: str, port: int, rules: Webhook) -> str:
    """Return the address to connect to; every address of the name must be one that may be reached."""
    found = [info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for address in found:
        if not rules.allow_private and not _is_allowed(str(address), rules.allow) and not _is_public(str(address)):
            msg = f"the webhook's host {host} is not a public address; name its network in allow, or set allow_private"
            raise DeliveryFailed(msg)
    return str(found[0])


def _is_allowed(text: str, networks: Sequence[IPvAnyNetwork]) -> bool:
    """Tell whether an address lies in one of the networks, also as IPv4 written in IPv6."""
    address = ipaddress.ip_address(text.partition("%")[0])
    plain = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((plain or address) in network for network in networks)


def _is_public(text: str) -> bool:
    """Tell whether an address is one of the public internet, also where it is another one in disguise."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address in _SHARED:
            return _is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return _is_public(str(inner))
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


async def _post(url: str, address: str, body: bytes, headers: dict[str, str]) -> int:
    target = httpx.URL(url)
    named = {**headers, "host": target.netloc.decode("ascii")}
    pinned = target.copy_with(host=address)
    async with (
        asyncio.timeout(_WITHIN_S),
        httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_WITHIN_S) as client,
        client.stream("POST", pinned, content=body, headers=named, extensions={"sni_hostname": target.host}) as answer,
    ):
        return answer.status_code
