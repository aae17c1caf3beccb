"""A test message to channels, sent at once."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from iotops.clock import now_ms
from iotops.errors import ConfigurationError, DeliveryFailed
from iotops.notify.message import trial_message
from iotops.notify.routefile import load_notify


def try_out(directory: Path, names: Sequence[str] = ()) -> dict[str, str | None]:
    """Send a test message to the channels named, or to all; return channel -> what went wrong, None for nothing.

    Raises:
        RuleFileError: `notify.yaml` cannot be used.
        ConfigurationError: it has no such channel.
    """
    channels = load_notify(directory).channels
    unknown = [name for name in names if name not in channels]
    if unknown:
        msg = f"notify.yaml has no channel {unknown[0]!r}, only {', '.join(channels)}"
        raise ConfigurationError(msg)
    found: dict[str, str | None] = {}
    for name in names or channels:
        at_ms = now_ms()
        try:
            channels[name].send(trial_message(f"msg_test_{secrets.token_hex(8)}", at_ms), at_ms)
            found[name] = None
        except DeliveryFailed as error:
            found[name] = str(error)
    return found
