"""The heads of both chains, written down outside of the database: who cuts a chain off cannot cut these as well.

A file of lines, only ever appended to: time, then head and hash of the timeline, then of the deeds. It is worth as
much as its distance from the database: a disk of its own, or a log that is shipped elsewhere, says more.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from iotops.durations import format_instant
from iotops.errors import ConfigurationError
from iotops.store import audit, deeds, timeline
from iotops.store.audit import Fault
from iotops.store.database import Unit
from iotops.store.timeline import Head

_LINE = re.compile(r"\S+ timeline ([0-9]{1,18}) ([0-9a-f]{64}) deeds ([0-9]{1,18}) ([0-9a-f]{64})")
_TAIL_BYTES = 4_096  # of which the last line is a small part


@dataclass(frozen=True, slots=True)
class Anchor:
    """The heads of both chains at one moment."""

    timeline: Head
    deeds: Head

    def line(self, at_ms: int) -> str:
        """Return what goes into the file, without the end of the line."""
        first, second = self.timeline, self.deeds
        return f"{format_instant(at_ms)} timeline {first.seq} {first.hash} deeds {second.seq} {second.hash}"


def current(unit: Unit) -> Anchor:
    """Return the heads as they are."""
    return Anchor(timeline.head(unit), deeds.head(unit))


def write_down(file: Path, anchor: Anchor, at_ms: int) -> bool:
    """Append an anchor, where the last one is another; says whether it did.

    Raises:
        OSError: the file cannot be written.
        ConfigurationError: it is no file of anchors.
    """
    if last(file) == anchor:
        return False
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "a", encoding="ascii") as out:
        out.write(anchor.line(at_ms) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return True


def last(file: Path) -> Anchor | None:
    """Return the newest anchor of a file, None where there is no file.

    Raises:
        ConfigurationError: it cannot be read, or its last line is none of ours.
    """
    try:
        with file.open("rb") as lines:
            size = lines.seek(0, os.SEEK_END)
            lines.seek(max(0, size - _TAIL_BYTES))
            text = lines.read().decode("ascii", "replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"anchors {file}: {error.strerror}; name a file that can be read") from error
    whole = [line for line in text.split("\n")[:-1] if line]  # a kill may have left the last one unfinished
    return parse(whole[-1], str(file)) if whole else None


def parse(line: str, where: str) -> Anchor:
    """Return the anchor of a line, as `Anchor.line` writes it.

    Raises:
        ConfigurationError: it is none.
    """
    found = _LINE.fullmatch(line.strip())
    if found is None:
        msg = f"anchors {where}: {line[:80]!r} is no anchor; expected TIME timeline SEQ HASH deeds SEQ HASH"
        raise ConfigurationError(msg)
    seq, digest, other_seq, other_digest = found.groups()
    return Anchor(Head(int(seq), digest), Head(int(other_seq), other_digest))


def faults(unit: Unit, anchor: Anchor | None) -> Iterable[tuple[str, Fault]]:
    """Compute both chains again and yield the first fault of each that has one, with the name of the chain."""
    for name, verify in (("timeline", audit.verify), ("deeds", deeds.verify)):
        fault = verify(unit, None if anchor is None else getattr(anchor, name))
        if fault is not None:
            yield name, fault
