"""The mutants of a rule: what it becomes by each small change that still makes a rule, and another one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from iotops.rules.authoring.mutation.changes import Change
from iotops.rules.authoring.mutation.edits import diff, edited
from iotops.rules.authoring.mutation.rewriting import LEAST, RuleText, further, usual
from iotops.rules.hashes import semantic_hash
from iotops.rules.rule import MetricSpec, Position, Rule
from iotops.rules.rulefile import read_rules
from iotops.rules.source.drafts import Draft, rule_of
from iotops.rules.source.nodes import YamlMap
from iotops.rules.source.text import FindingLog
from iotops.rules.source.tree import compose

_OTHERS_MISSING = frozenset(
    {"unknown-rule", "rule-cycle"}
)  # a mutant is read alone; the rules that it asks for are not


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule after one small change; `lines` are those of its file that differ, `- ` before and `+ ` after."""

    rule: Rule
    what: str
    position: Position
    lines: Sequence[str]


class Breeder:
    """Makes the mutants of the rules of one file."""

    def __init__(self, drafts: Sequence[Draft], catalogue: Mapping[str, MetricSpec]) -> None:
        self._source = drafts[0].log.source
        self._drafts = drafts
        self._catalogue = catalogue
        root = compose(FindingLog(self._source))
        defaults = root.get("defaults") if isinstance(root, YamlMap) else None
        self._defaults = defaults if isinstance(defaults, YamlMap) else None

    def mutants(self, draft: Draft) -> list[Mutant]:
        """Return the mutants of a rule, each meaning once.

        Changes that make no rule, such as a window of no samples, are left out: `check` would refuse them.
        """
        alone = self._alone(draft)
        text = RuleText(draft.log, draft.node, self._defaults)
        found: dict[str, Mutant | None] = {self._meaning(rule_of(draft)): None}
        for change in usual(text):
            self._add(found, alone, draft, change)
        for change in further(text):
            if len(found) > LEAST:
                break
            self._add(found, alone, draft, change)
        return [mutant for mutant in found.values() if mutant is not None]

    def _add(self, found: dict[str, Mutant | None], alone: str, draft: Draft, change: Change) -> None:
        rule = self._rule(edited(alone, change.edits), draft)
        if rule is None:
            return
        meaning = self._meaning(rule)
        if meaning not in found:
            lines = diff(self._source.text, edited(self._source.text, change.edits))
            found[meaning] = Mutant(rule, change.what, self._source.position(change.place), lines)

    def _rule(self, text: str, draft: Draft) -> Rule | None:
        read = read_rules({self._source.name: text})
        wrong = (each for each in read.findings if each.level == "error" and each.code not in _OTHERS_MISSING)
        drafts = [each for each in read.drafts if each.id == draft.id]
        return None if any(wrong) or not drafts else rule_of(drafts[0])

    def _meaning(self, rule: Rule) -> str:
        return semantic_hash(rule, self._catalogue)

    def _alone(self, draft: Draft) -> str:
        """Return the file's text with blanks in place of all other rules: what stands where stays the same."""
        text = self._source.text
        for other in self._drafts:
            if other is not draft:
                text = text[: other.node.start] + _blank(text, other.node) + text[other.node.end :]
        return text


def _blank(text: str, node: YamlMap) -> str:
    length = len(text[node.start : node.end].rstrip())
    blanks = re.sub(r"[^\r\n]", " ", text[node.start : node.start + length])
    return "{}" + blanks[2:] + text[node.start + length : node.end]


def breeders(sources: Mapping[str, str]) -> Iterator[tuple[Draft, "Breeder"]]:
    """Yield every rule of some files with what makes its mutants."""
    read = read_rules(sources)
    for file in read.files:
        breeder = Breeder(file.drafts, read.catalogue) if file.drafts else None
        for draft in file.drafts if breeder else ():
            assert breeder is not None  # noqa: S101  for the type checker
            yield draft, breeder
