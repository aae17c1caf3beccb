"""Where the API listens, and whether that is safe."""

from iotops.errors import ConfigurationError
from iotops.settings import Settings

_HERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  an address to listen on everywhere is none to call


def listen_address(settings: Settings) -> tuple[str, int]:
    """Return host and port of the API.

    Raises:
        ConfigurationError: no address, or one beyond loopback that would send tokens in the clear.
    """
    host, _, port = settings.api.listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or int(port) > 65_535:
        msg = f"api.listen: expected HOST:PORT, found {settings.api.listen!r}; write for instance 127.0.0.1:8000"
        raise ConfigurationError(msg)
    safe = is_loopback(host) or settings.api.certificate_file is not None or settings.api.behind_proxy
    if not safe:
        msg = (
            f"api.listen: {settings.api.listen} is reachable from elsewhere and tokens would travel in the clear; set "
            "api.certificate_file and api.key_file, or api.behind_proxy = true where a proxy ends TLS, or use 127.0.0.1"
        )
        raise ConfigurationError(msg)
    return host, int(port)


def own_url(settings: Settings) -> str:
    """Return where programs of this machine reach the API, as its settings say."""
    scheme = "http" if settings.api.certificate_file is None else "https"
    host, _, port = settings.api.listen.rpartition(":")
    return f"{scheme}://{_HERE.get(host, host)}:{port}"


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach an address."""
    return host in ("localhost", "::1") or host.startswith("127.")
