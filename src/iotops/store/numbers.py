"""Numbers as people write them, and the versions that they have read."""

import re
from dataclasses import dataclass

from iotops.errors import NotFound, StaleVersion

_NUMBER = re.compile(r"(?:([A-Z]{3})-)?0*([1-9][0-9]{0,17})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Numbering:
    """How rows of one kind are called: `INC-000123`, also written `inc-123` or `123`."""

    prefix: str
    word: str

    def row(self, number: str) -> int:
        """Return the row that a number names.

        Raises:
            NotFound: nothing of the kind can have such a number.
        """
        found = _NUMBER.fullmatch(number.strip())
        if found is None or (found[1] or self.prefix).upper() != self.prefix:
            msg = f"{self.word} {number!r} does not exist; numbers look like {self.name(123)}"
            raise NotFound(msg)
        return int(found[2])

    def name(self, row: int) -> str:
        """Return what people call a row."""
        return f"{self.prefix}-{row:06d}"


def must_have_version(name: str, version: int, expected: int | None) -> None:
    """Refuse a change of something that was changed since it was read; None expects whatever it is now.

    Raises:
        StaleVersion: it has another version.
    """
    if expected is not None and expected != version:
        msg = f"{name} has version {version}, not {expected}: read it again and repeat"
        raise StaleVersion(msg)
