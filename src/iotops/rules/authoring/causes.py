"""A rule with all that it asks for: the part of a rule set that one explanation needs."""

from collections.abc import Iterator

from iotops.rules.language.usage import rules_in
from iotops.rules.rule import Rule, RuleSet


def with_causes(rule_set: RuleSet, rule_id: str) -> RuleSet:
    """Return the rule and those that its `firing()` names, directly or not; nothing where there is no such rule."""
    found: dict[str, Rule] = {}
    pending = [rule_id]
    while pending:
        name = pending.pop()
        if name in found or name not in rule_set.rules:
            continue
        found[name] = rule_set.rules[name]
        pending += _asked(found[name])
    ordered = {name: rule for name, rule in rule_set.rules.items() if name in found}
    return RuleSet(ordered, rule_set.catalogue)


def _asked(rule: Rule) -> Iterator[str]:
    conditions = (*rule.when.values(), *rule.until.values(), *((rule.unless,) if rule.unless else ()))
    summary = (part.expression for part in rule.summary.parts if not isinstance(part, str)) if rule.summary else ()
    for expression in (*conditions, *summary):
        yield from (path.name for path in rules_in(expression.root))
