"""The newest of very many identities, in bounded memory."""

from collections.abc import Iterable


class Newest:
    """A set that forgets the oldest: it holds at least the last `size` members added, at most twice as many.

    Two sets, of which the older one is dropped as a whole: taking single members from the front of a dict costs a
    walk over all that were taken before.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def __contains__(self, member: bytes) -> bool:
        return member in self._young or member in self._old

    def update(self, members: Iterable[bytes]) -> None:
        """Add members, the newest last."""
        self._young.update(members)
        if len(self._young) >= self._size:
            self._young, self._old = set(), self._young

    def forget(self) -> None:
        """Hold nothing."""
        self._young, self._old = set(), set()
