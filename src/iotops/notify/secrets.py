"""Secrets in `notify.yaml`: references to the environment or to files, never the secret itself."""

import os
import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, SecretStr

_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")


def files_in(text: str) -> list[Path]:
    """Return the files that a text refers to."""
    return [Path(name) for kind, name in _REFERENCE.findall(text) if kind == "file"]


def _referred(found: object) -> object:
    if isinstance(found, str) and _REFERENCE.fullmatch(found) is None:
        msg = "expected ${env:NAME} or ${file:/path}: secrets do not stand in this file"
        raise ValueError(msg)
    return _resolved(found)


def _resolved(found: object) -> object:
    """Replace references within a text by what they refer to."""
    return _REFERENCE.sub(_look_up, found) if isinstance(found, str) else found


def _look_up(found: re.Match[str]) -> str:
    kind, name = found.groups()
    if kind == "env":
        if name not in os.environ:
            msg = f"the variable {name} is not set"
            raise ValueError(msg)
        return os.environ[name]
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        msg = f"the file {name} cannot be read: {error.strerror}"
        raise ValueError(msg) from error


Secret = Annotated[SecretStr, BeforeValidator(_referred)]
"""A secret, given by reference only."""

Address = Annotated[SecretStr, BeforeValidator(_resolved)]
"""A URL that may hold references, and is never printed."""
