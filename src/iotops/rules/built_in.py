"""Rule sets as they are judged everywhere: with the rules that nobody has to write, judged like every other."""

from dataclasses import replace
from functools import lru_cache

from iotops.rules.rule import RuleSet
from iotops.rules.rulefile import drafted
from iotops.rules.source.catalogue import merge
from iotops.rules.source.own import own_rules


def with_built_in(rule_set: RuleSet) -> RuleSet:
    """Return a rule set with the built-in rules, whose names no other rule can have."""
    own = _built_in()
    if own.rules.keys() <= rule_set.rules.keys():
        return rule_set
    return replace(
        rule_set,
        rules={**own.rules, **rule_set.rules},
        catalogue={**own.catalogue, **rule_set.catalogue},
    )


@lru_cache(maxsize=1)
def _built_in() -> RuleSet:
    file = own_rules()
    return drafted(file.drafts, merge(file.declarations))
