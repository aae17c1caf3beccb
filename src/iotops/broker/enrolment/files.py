"""Files that are whole or as they were, and that only their owner may read."""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iotops.errors import ConfigurationError


def write_whole(file: Path, text: str) -> None:
    """Put a text in a file's place at once, mode 0600, on disk before this returns.

    As root the file is given to the owner of its directory: mosquitto reads it as a user of its own.
    """
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        give_to_owner(partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def give_to_owner(file: Path) -> None:
    """Give a file to whom its directory belongs, where we may."""
    owner = file.parent.stat()
    if os.geteuid() == 0:
        os.chown(file, owner.st_uid, owner.st_gid)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Make the directory where it is missing, and keep every other command out of it meanwhile.

    Raises:
        ConfigurationError: the directory cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(directory / ".lock", os.O_WRONLY | os.O_CREAT, 0o600)
    except OSError as error:
        msg = f"enrolment.directory {directory}: {error.strerror}; name one that this account may write"
        raise ConfigurationError(msg) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
