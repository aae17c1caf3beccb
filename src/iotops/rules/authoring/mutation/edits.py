"""Changes to the text of a rule file, and how they look in a diff."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from iotops.rules.source.nodes import YamlMap, YamlScalar


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Put `text` in place of the characters `start` to `end` of a file."""

    start: int
    end: int
    text: str = ""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with changes that do not overlap."""
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def without(source: str, parent: YamlMap, key: str) -> Edit | None:
    """Return the removal of an entry of a map, in block or flow style; None where it has none, or no other.

    A map that were left with nothing is no map any more: who wants that removes the map itself from its parent.
    """
    names = [found.text for found, _ in parent.entries]
    if key not in names or len(names) == 1:
        return None
    place = names.index(key)
    if place == 0:
        return Edit(parent.entries[0][0].start, parent.entries[1][0].start)
    return Edit(end_of(source, parent, place - 1), end_of(source, parent, place))


def end_of(source: str, parent: YamlMap, place: int) -> int:
    """Return where the value of an entry ends; YAML lets a block end only where the next thing begins."""
    node = parent.entries[place][1]
    while isinstance(node, YamlMap) and not source.startswith("{", node.start):
        node = node.entries[-1][1]
    return node.end if isinstance(node, YamlScalar) else node.start + len(source[node.start : node.end].rstrip())


def diff(before: str, after: str) -> Sequence[str]:
    """Return the lines that differ, `- ` before and `+ ` after, without those around them."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[str] = []
    for tag, a_start, a_end, b_start, b_end in _matched(old, new):
        if tag != "equal":
            lines += [f"- {line}" for line in old[a_start:a_end]] + [f"+ {line}" for line in new[b_start:b_end]]
    return lines


def _matched(old: Sequence[str], new: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """Compare only what lies between the first and the last difference: files are long, and changes short."""
    first = 0
    while first < min(len(old), len(new)) and old[first] == new[first]:
        first += 1
    last = 0
    while last < min(len(old), len(new)) - first and old[-1 - last] == new[-1 - last]:
        last += 1
    matcher = SequenceMatcher(None, old[first : len(old) - last], new[first : len(new) - last], autojunk=False)
    return [(tag, first + a, first + b, first + c, first + d) for tag, a, b, c, d in matcher.get_opcodes()]
