"""The text of one rule file, and where each of its characters stands."""

import re
from bisect import bisect_right
from dataclasses import replace

from iotops.rules.finding import Finding, Level
from iotops.rules.rule import Position

_LINE_END = re.compile(r"\r\n|\n|\r")


class SourceText:
    """One file: its name as shown to people, its text, and lines and columns counted from 1."""

    __slots__ = ("_starts", "name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(text))]

    def position(self, index: int) -> Position:
        """Return where the character `text[index]` stands."""
        row = bisect_right(self._starts, index) - 1
        return Position(self.name, row + 1, index - self._starts[row] + 1)

    def line(self, number: int) -> str:
        """Return a line by its number, without its end."""
        return self.text[self.line_start(number) : self.line_start(number + 1)].rstrip("\r\n")

    def line_start(self, number: int) -> int:
        """Return the index of a line's first character; behind the last line, the length of the text."""
        return self._starts[number - 1] if number <= len(self._starts) else len(self.text)


class FindingLog:
    """Collects the findings of one file."""

    __slots__ = ("findings", "source")

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.findings: list[Finding] = []

    def error(self, start: int, end: int, code: str, message: str, hint: str = "") -> None:
        """Note an error about `text[start:end]`: the file cannot be loaded."""
        self.add("error", start, end, code, message, hint=hint)

    def add(self, level: Level, start: int, end: int, code: str, message: str, *, hint: str = "") -> None:
        """Note a finding about `text[start:end]`; only the part on its first line is underlined."""
        position = self.source.position(start)
        line = self.source.line(position.line)
        if position.column > len(line) + 1:  # within the line's end, which may be two characters
            position = replace(position, column=len(line) + 1)
        length = max(1, min(end - start, len(line) - position.column + 1))
        self.findings.append(Finding(position, level, code, message, line, length, hint))
