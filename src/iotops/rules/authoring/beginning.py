"""Begin a rule: its skeleton under a name of its own, and its place in a file that keeps all that it has."""

from collections.abc import Mapping

from iotops.errors import ConfigurationError, RuleFileError
from iotops.rules.authoring.skeletons import KINDS
from iotops.rules.rulefile import parse_rules, read_rules


def begun(name: str, kind: str, sources: Mapping[str, str]) -> str:
    """Return a rule file with one rule of a kind.

    Raises:
        ConfigurationError: one of `sources` (file name -> text) has a rule of that name.
        RuleFileError: the name cannot be one, or this version cannot judge such rules.
    """
    for draft in read_rules(sources).drafts:
        if draft.id == name:
            place = draft.log.source.position(draft.key("alert").start)
            raise ConfigurationError(f'there is a rule "{name}" already, at {place}; choose another name')
    text = "rules:\n" + KINDS[kind].replace("NAME", name)
    findings = parse_rules({f"{name}.yaml": text})[1]
    if findings:
        raise RuleFileError(findings)
    return text


def with_rule(text: str, rule: str) -> str:
    """Return a rule file with a rule behind those it has; its other lines stay as they are.

    Raises:
        ConfigurationError: its rules do not stand at its end, or not one below the other.
        RuleFileError: it has errors.
    """
    if not text.strip():
        return rule
    before, findings = parse_rules({"FILE": text})
    if any(finding.level == "error" and finding.code != "unknown-rule" for finding in findings):
        raise RuleFileError(findings)
    body = rule.removeprefix("rules:\n")
    behind = f"{text.rstrip()}\n\n{body}"
    for candidate in (behind, f"{text.rstrip()}\n\n{rule}"):
        after, wrong = parse_rules({"FILE": candidate})
        added = set(after.rules) - set(before.rules)
        errors = [each for each in wrong if each.level == "error" and each.code != "unknown-rule"]
        if len(added) == 1 and not errors:
            return candidate
    raise ConfigurationError("the file's `rules` do not stand at its end as a list indented by two; append it by hand")
