"""What is wrong, or remarkable, in a rule file: where it stands, and what to do."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from iotops.rules.rule import Position

Level = Literal["error", "warning", "note"]
_WIDTH = 120  # longer lines are cut around the place, so that the caret stays on one screen


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a rule file; errors keep the file from being loaded.

    Attributes:
        code: short stable name of the kind of finding, such as `unknown-metric`.
        line_text: the line it stands on, as written.
        length: number of characters to underline, from `position` on.
        hint: what to write instead; may be empty.
    """

    position: Position
    level: Level
    code: str
    message: str
    line_text: str = ""
    length: int = 1
    hint: str = ""

    def __str__(self) -> str:
        head = f"{self.position}: {self.level}[{self.code}]: {self.message}"
        if not self.line_text.strip():
            return f"{head}; {self.hint}" if self.hint else head
        line, column = _cut(self.line_text, self.position.column)
        number = f"{self.position.line:>3}"
        length = max(1, min(self.length, len(line) - column + 1))
        caret = " " * (column - 1) + "^" * length + (f" {self.hint}" if self.hint else "")
        return f"{head}\n{number} | {line}\n{' ' * len(number)} | {caret}"


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings by file and place, each once."""
    unique = dict.fromkeys(findings)
    return tuple(sorted(unique, key=lambda found: (found.position.file, found.position.line, found.position.column)))


def _cut(line: str, column: int) -> tuple[str, int]:
    """Return the line, and the column in it, cut to a width that can be shown; tabs become one blank."""
    clean = "".join(character if character.isprintable() else " " for character in line.rstrip())
    if len(clean) <= _WIDTH:
        return clean, column
    start = max(0, min(column - 1 - _WIDTH // 2, len(clean) - _WIDTH))
    before = "..." if start else ""
    return before + clean[start : start + _WIDTH], column - start + len(before)
