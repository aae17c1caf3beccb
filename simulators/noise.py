"""Noise that depends on nothing but a seed and a number: the same instant has the same noise, however it is sampled."""

import hashlib
import math

_MASK = (1 << 64) - 1
_UNIT = 1.0 / (1 << 53)


def seed_of(*names: object) -> int:
    """Return 64 bits that depend on all names, the same in every process."""
    text = "\x1f".join(map(str, names)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


class Noise:
    """Random numbers by index, not in sequence.

    Source: splitmix64, Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA.
    """

    __slots__ = ("_seed",)

    def __init__(self, seed: int) -> None:
        self._seed = seed & _MASK

    def child(self, *names: object) -> "Noise":
        """Return independent noise for a part of the whole."""
        return Noise(seed_of(self._seed, *names))

    def unit(self, index: int) -> float:
        """Return a number in [0, 1), uniform."""
        z = (self._seed + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((z ^ (z >> 31)) >> 11) * _UNIT

    def between(self, index: int, low: float, high: float) -> float:
        """Return a number in [low, high), uniform."""
        return low + (high - low) * self.unit(index)

    def bell(self, index: int) -> float:
        """Return a number with mean 0 and deviation 1 that never leaves [-3.5, 3.5], close to a normal one."""
        # Four uniforms are enough for sensor noise, and bounds on it make bounds on the physics provable.
        four = sum(self.unit(4 * index + i) for i in range(4))
        return (four - 2.0) * math.sqrt(3.0)

    def smooth(self, at_s: float, period_s: float) -> float:
        """Return a slow wander in [-1, 1]: random at multiples of the period, eased in between."""
        place = at_s / period_s
        cell = math.floor(place)
        step = place - cell
        ease = step * step * (3.0 - 2.0 * step)
        before, after = self.unit(cell), self.unit(cell + 1)
        return 2.0 * (before + (after - before) * ease) - 1.0
