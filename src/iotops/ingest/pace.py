"""How soon to connect again."""

import random

FIRST_WAIT_MS = 250
LONGEST_WAIT_MS = 30_000
STABLE_MS = 10_000  # a connection that lasted this long makes the next wait short again
LONGEST_AFTER_SUCCESS_MS = 2_000  # the broker takes us: it is the network that cuts, and each connection moves messages
LONGEST_BESIDE_RIVAL_MS = 5_000  # which cannot be told from such a network, and is to have a chance of being noticed
RIVAL_AFTER = 3  # cut off this often in a row by a broker that takes us back at once: somebody else has our client id


class Pace:
    """Waits that double from a quarter of a second to half a minute, and a look-out for a rival.

    They stay short while connections come to a subscription, however soon each is cut.

    Attributes:
        cut_offs: connections in a row that the broker accepted and closed without a word within seconds.
    """

    def __init__(self) -> None:
        self.cut_offs = 0
        self._wait_ms = FIRST_WAIT_MS

    @property
    def rival(self) -> bool:
        """Tell whether another client with our id is the likeliest reason; mosquitto 2.0 does not say so."""
        return self.cut_offs >= RIVAL_AFTER

    def note(self, lasted_ms: int, *, subscribed: bool, cut_off: bool, hopeless: bool) -> None:
        """Take account of a connection that has ended.

        Args:
            lasted_ms: how long it took from the attempt to the end.
            subscribed: it came to a subscription.
            cut_off: ... and was closed without a word.
            hopeless: the next one will hardly fare better.
        """
        self.cut_offs = self.cut_offs + 1 if cut_off and lasted_ms < STABLE_MS else 0
        if hopeless:
            self._wait_ms = LONGEST_WAIT_MS
        elif lasted_ms >= STABLE_MS:
            self._wait_ms = FIRST_WAIT_MS
        elif subscribed:
            self._wait_ms = min(self._wait_ms, LONGEST_BESIDE_RIVAL_MS if self.rival else LONGEST_AFTER_SUCCESS_MS)

    def next_wait_s(self) -> float:
        """Return half to all of the present wait, and double it: who was cut off together does not return together."""
        wait_ms, self._wait_ms = self._wait_ms, min(self._wait_ms * 2, LONGEST_WAIT_MS)
        return wait_ms / 1000 * random.uniform(0.5, 1)  # noqa: S311  spread, no secret
