"""Rule files become a rule set, or a list of everything that is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iotops.errors import RuleFileError
from iotops.rules.finding import Finding, in_order
from iotops.rules.hashes import full_hash, semantic_hash
from iotops.rules.rule import MetricSpec, Rule, RuleSet
from iotops.rules.source.catalogue import merge
from iotops.rules.source.directory import read_sources
from iotops.rules.source.drafts import Draft, rule_of
from iotops.rules.source.files import RuleFile, read_file
from iotops.rules.source.grouping import check_grouping
from iotops.rules.source.meaning import check_meaning
from iotops.rules.source.own import own_rules
from iotops.rules.source.references import check_references


@dataclass(frozen=True, slots=True)
class ReadRules:
    """Rule files as read: every rule as written, the common catalogue, and the files with their findings so far."""

    files: tuple[RuleFile, ...]
    drafts: tuple[Draft, ...]
    catalogue: Mapping[str, MetricSpec]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what was found so far, by file and place."""
        return in_order(finding for file in self.files for finding in file.log.findings)

    @property
    def sound(self) -> tuple[Draft, ...]:
        """Return the rules on whose lines no error was found, and that can do something; the last of each name."""
        return tuple({draft.id: draft for draft in _sound(self.drafts, self.findings)}.values())


def load_rules(directory_or_file: Path) -> RuleSet:
    """Return the rules of a file, or of all `*.yaml` and `*.yml` below a directory.

    `devices.yaml` and `services.yaml` say something else and are left out.

    Raises:
        RuleFileError: something is wrong; carries the findings of all files.
    """
    return rules_of(*read_sources(directory_or_file))


def rules_of(sources: Mapping[str, str], unreadable: Sequence[Finding] = ()) -> RuleSet:
    """Return the rules of all files (name -> text); `unreadable`: what was found before their texts were.

    Raises:
        RuleFileError: something is wrong; carries the findings of all files.
    """
    rule_set, findings = parse_rules(sources)
    findings = in_order((*unreadable, *findings))
    if any(finding.level == "error" for finding in findings):
        raise RuleFileError(findings)
    return rule_set


def parse_rules(sources: Mapping[str, str]) -> tuple[RuleSet, tuple[Finding, ...]]:
    """Return the rules of all files (name -> text) that have no error, and all findings."""
    read = read_rules(sources)
    findings = read.findings
    return drafted(_sound(read.drafts, findings), read.catalogue), findings


def drafted(drafts: Sequence[Draft], catalogue: Mapping[str, MetricSpec]) -> RuleSet:
    """Return the rule set of drafts that have no error."""
    return RuleSet({draft.id: _hashed(rule_of(draft), catalogue) for draft in drafts}, catalogue)


def read_rules(sources: Mapping[str, str]) -> ReadRules:
    """Read all files (name -> text), and check everything that a rule set must fulfil to be loaded."""
    files = tuple(read_file(name, text) for name, text in sources.items())
    drafts = tuple(draft for file in files for draft in file.drafts)
    catalogue = merge(declaration for file in files for declaration in file.declarations)
    for draft in drafts:
        check_meaning(draft, catalogue)
        check_grouping(draft)
    check_references((*own_rules().drafts, *drafts))
    return ReadRules(files, drafts, catalogue)


def _sound(drafts: Sequence[Draft], findings: Sequence[Finding]) -> list[Draft]:
    """Return the rules on whose lines no error was found, and that can do something."""
    wrong_lines: dict[str, set[int]] = {}
    for finding in findings:
        if finding.level == "error":
            wrong_lines.setdefault(finding.position.file, set()).add(finding.position.line)
    return [
        draft
        for draft in drafts
        if draft.severities and wrong_lines.get(draft.log.source.name, set()).isdisjoint(_lines(draft))
    ]


def _lines(draft: Draft) -> range:
    source = draft.log.source
    return range(source.position(draft.node.start).line, source.position(draft.node.end - 1).line + 1)


def _hashed(rule: Rule, catalogue: Mapping[str, MetricSpec]) -> Rule:
    return replace(rule, semantic_hash=semantic_hash(rule, catalogue), full_hash=full_hash(rule, catalogue))
