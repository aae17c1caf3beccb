"""What a client of the broker proves itself with: its password, and the certificates of both sides."""

import ssl
from urllib.parse import SplitResult, unquote, urlsplit

from iotops.errors import ConfigurationError
from iotops.settings import BrokerSettings

_PORTS = {"mqtt": 1883, "mqtts": 8883}


def address(settings: BrokerSettings) -> tuple[str, int]:
    """Return host and port of the broker."""
    url = _url(settings)
    return url.hostname or "", url.port or _PORTS[url.scheme]


def credentials(settings: BrokerSettings) -> tuple[str, str | None] | None:
    """Return user and password, the password of the file before that of the URL; None where we come without.

    Raises:
        ConfigurationError: the password file cannot be read.
    """
    url = _url(settings)
    if not url.username:
        return None
    if settings.password_file is None:
        return unquote(url.username), None if url.password is None else unquote(url.password)
    try:
        return unquote(url.username), settings.password_file.read_text().rstrip("\r\n")
    except OSError as error:
        raise ConfigurationError(f"broker.password_file {settings.password_file}: {error.strerror}") from error


def tls_context(settings: BrokerSettings) -> ssl.SSLContext | None:
    """Return how to check the broker's certificate and show our own; None where the URL is `mqtt://`.

    Raises:
        ConfigurationError: a certificate or key cannot be used.
    """
    if _url(settings).scheme != "mqtts":
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.certificate_file is not None:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except OSError as error:  # ssl.SSLError is one
        msg = f"TLS for the broker: {error}; check broker.ca_file, certificate_file and key_file"
        raise ConfigurationError(msg) from error
    return context


def _url(settings: BrokerSettings) -> SplitResult:
    return urlsplit(settings.url.get_secret_value())
