"""A doubt: where a condition over columns may be true; and the doubts of several put together."""

from dataclasses import dataclass
from typing import Final

from iotops.rules.columns import Columns, Flags
from iotops.rules.guards import Guard
from iotops.rules.masks import Mask


@dataclass(frozen=True, slots=True)
class Doubt:
    """Where a condition may be true: where a mask says so, where a sample scores, and until a guard's level sank."""

    masks: tuple[Mask, ...] = ()
    guards: tuple[Guard, ...] = ()


NOWHERE: Final = Doubt()


def any_of(parts: list[Doubt | None]) -> Doubt | None:
    """Return where any of some may hold."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    masks = (mask for part in known for mask in part.masks)
    return Doubt(tuple(masks), tuple(guard for part in known for guard in part.guards))


def all_of(parts: list[Doubt | None]) -> Doubt | None:
    """Return where all may hold: where the masks of all agree, or, where there are none, what one of them doubts."""
    known = [part for part in parts if part is not None]
    plain = [part.masks for part in known if not part.guards]
    if () in plain:
        return NOWHERE
    if not plain:
        return known[0] if known else None

    def mask(columns: Columns) -> Flags:
        found = _either(plain[0], columns)
        for masks in plain[1:]:
            found = found & _either(masks, columns)
        return found

    return Doubt((mask,))


def _either(masks: tuple[Mask, ...], columns: Columns) -> Flags:
    found = masks[0](columns)
    for mask in masks[1:]:
        found = found | mask(columns)
    return found
