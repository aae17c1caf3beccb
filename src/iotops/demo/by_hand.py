"""How a person publishes to the demonstration: its broker asks everybody for the password of this run."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from iotops.broker.credentials import write_secret

_OPTIONS = "mosquitto_pub"  # the name under which mosquitto_pub looks for its options below $XDG_CONFIG_HOME


def publishing(directory: Path, url: str) -> str:
    """Leave the broker's address and password in a file that only we may read; return the command that uses it.

    So the password stands on nobody's command line, where every user of the machine could read it.
    """
    place = urlsplit(url)
    options = {"-h": place.hostname, "-p": place.port, "-u": place.username, "-P": place.password}
    lines = [f"{name} {unquote(str(value))}\n" for name, value in options.items() if value is not None]
    write_secret(directory / _OPTIONS, "".join(lines))
    message = """-q 1 -t iot/lab/hand-01/telemetry -m '{"temp": 21.5}'"""
    return f"XDG_CONFIG_HOME={directory.resolve()} mosquitto_pub {message}"
