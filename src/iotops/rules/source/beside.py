"""Files that stand beside the rules and say other things: read in one way, refused with every finding."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from iotops.errors import RuleFileError
from iotops.rules.finding import Finding, in_order
from iotops.rules.source.directory import read_sources

T = TypeVar("T")

Parse = Callable[[str, str], tuple[T, Sequence[Finding]]]
"""Name and text of a file -> what can be used of it, and what is wrong with the rest."""


def load_beside(directory: Path, file: str, parse: Parse[T], nothing: T) -> T:
    """Return what a file in the rules directory says, `nothing` where there is no such file.

    Raises:
        RuleFileError: the file cannot be used; carries every finding.
    """
    path = directory / file
    if not path.exists():
        return nothing
    sources, unread = read_sources(path)
    findings, found = list(unread), nothing
    for name, text in sources.items():
        found, more = parse(name, text)
        findings += more
    if findings:
        raise RuleFileError(in_order(findings))
    return found
