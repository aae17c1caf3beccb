"""What mutation may do to a rule: small changes to its text, each of a kind and at a place."""

from collections.abc import Iterator
from dataclasses import dataclass

from iotops.rules.authoring.mutation.edits import Edit


@dataclass(frozen=True, slots=True)
class Change:
    """One small change to a rule file.

    Attributes:
        what: in words, as in `a number by one unit`.
        place: index of the character of the file that it is about.
    """

    what: str
    place: int
    edits: tuple[Edit, ...]


Changes = Iterator[Change]
