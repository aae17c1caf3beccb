"""Who works at this machine's shell, for the chain of deeds."""

import getpass
from typing import Any

from iotops.store.deeds import Deed


def shell_deed(at_ms: int, action: str, on: str, **data: Any) -> Deed:
    """Return something done by a command, by the account that runs it."""
    return Deed(at_ms, "shell", _account(), action, on, data=data)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have
        return "unknown"
