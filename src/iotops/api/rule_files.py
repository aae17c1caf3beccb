"""The rules as the files say them, for questions about one of them."""

from collections.abc import Mapping
from functools import lru_cache

from iotops.api.context import Context
from iotops.api.problems import Problem
from iotops.errors import NotFound, RuleFileError
from iotops.rules.built_in import with_built_in
from iotops.rules.finding import Finding
from iotops.rules.rule import Rule, RuleSet
from iotops.rules.rulefile import rules_of
from iotops.rules.source.directory import read_sources


def rule_texts(context: Context) -> Mapping[str, str]:
    """Return file -> text of the rule files."""
    return read_sources(context.settings.rules.directory)[0]


def rule_set_of(context: Context) -> RuleSet:
    """Return the rules of the files, and those that nobody has to write.

    Raises:
        Problem: conflict, where they have errors.
    """
    sources, unreadable = read_sources(context.settings.rules.directory)
    try:
        return _parsed(tuple(sources.items()), unreadable)
    except RuleFileError as error:
        raise Problem("conflict", "the rule files have errors; `iotops rules check` lists them") from error


def rule_named(rule_set: RuleSet, rule_id: str) -> Rule:
    """Return one rule.

    Raises:
        NotFound: it stands in no file.
    """
    rule = rule_set.rules.get(rule_id)
    if rule is None:
        msg = f"rule {rule_id!r} stands in no rule file"
        raise NotFound(msg)
    return rule


@lru_cache(maxsize=1)  # most requests find the files as they were, and parsing them takes far longer than reading
def _parsed(sources: tuple[tuple[str, str], ...], unreadable: tuple[Finding, ...]) -> RuleSet:
    return with_built_in(rules_of(dict(sources), unreadable))
