"""Where the broker is, from a URL."""

import os
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from iotops.errors import ConfigurationError

DEFAULT_URL = "mqtt://127.0.0.1:1883"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A broker; `protocol` 5, 4 (MQTT 3.1.1), or None: 5, and 4 where the broker does not speak it."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = None
    protocol: int | None = None


def parse_endpoint(url: str | None = None, protocol: int | None = None) -> Endpoint:
    """Read `mqtt://[USER:PASSWORD@]HOST[:PORT]` or `mqtts://...`; without one, IOTOPS_BROKER__URL, else loopback.

    Raises:
        ConfigurationError: another scheme, no host, or a port that is no number.
    """
    text = url or os.environ.get("IOTOPS_BROKER__URL") or DEFAULT_URL
    chosen = os.environ.get("IOTOPS_BROKER__PROTOCOL")
    if protocol is None and chosen in ("4", "5"):
        protocol = int(chosen)
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or port == 0:
        shown = text if parts.password is None else text.replace(parts.password, "***")
        msg = f"broker {shown!r}: expected mqtt://HOST[:PORT] or mqtts://HOST[:PORT]"
        raise ConfigurationError(msg)
    return Endpoint(
        host=parts.hostname,
        port=port or (8883 if parts.scheme == "mqtts" else 1883),
        tls=parts.scheme == "mqtts",
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        protocol=protocol,
    )
