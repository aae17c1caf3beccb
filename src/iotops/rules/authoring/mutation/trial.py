"""Put the mutants of rules to the tests of the rules, and see which survive."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from multiprocessing import get_context

from iotops.rules.authoring.mutation.equivalence import proof
from iotops.rules.authoring.mutation.mutants import Breeder, Mutant, breeders
from iotops.rules.authoring.rehearse import differs, rehearse
from iotops.rules.authoring.scenario import Scenario, read_scenario, rules_for
from iotops.rules.rule import Position, Rule, RuleSet
from iotops.rules.rulefile import parse_rules
from iotops.rules.source.drafts import Draft


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutant's fate; `why` names the test that killed it, or proves that no test can."""

    what: str
    position: Position
    lines: Sequence[str]
    fate: Fate
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a rule's mutants; `fault` says why they were not tried at all."""

    rule: str
    position: Position
    verdicts: tuple[Verdict, ...] = ()
    fault: str = ""

    def count(self, fate: Fate) -> int:
        """Return how many mutants met this fate."""
        return sum(verdict.fate is fate for verdict in self.verdicts)


def try_mutants(
    sources: Mapping[str, str], name: str | None = None, *, processes: int | None = None
) -> tuple[Tried, ...]:
    """Try the mutants of all rules in some files that have no errors.

    Args:
        sources: file name -> text.
        name: only rules with tests whose `rule: name` contains this, and only those tests.
        processes: how many at once; default one for each core that this process may use.
    """
    texts = tuple(sources.items())
    rule_set, _ = _library(texts)
    rules = [rule.id for rule in rule_set.rules.values() if name is None or _chosen(rule, name)]
    count = min(processes or len(os.sched_getaffinity(0)), len(rules))
    if count <= 1:
        return tuple(_try_rule(texts, rule, name) for rule in rules)
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        tasks = [pool.submit(_try_rule, texts, rule, name) for rule in _longest_first(rule_set, rules)]
        found = {task.result().rule: task.result() for task in tasks}
    return tuple(found[rule] for rule in rules)


def _longest_first(rule_set: RuleSet, rules: Sequence[str]) -> list[str]:
    return sorted(rules, key=lambda rule: -len(repr(rule_set.rules[rule].tests)))


@lru_cache(maxsize=1)
def _library(texts: tuple[tuple[str, str], ...]) -> tuple[RuleSet, Mapping[str, tuple[Draft, Breeder]]]:
    """Read the files once in each process."""
    sources = dict(texts)
    return parse_rules(sources)[0], {draft.id: (draft, breeder) for draft, breeder in breeders(sources)}


def _try_rule(texts: tuple[tuple[str, str], ...], rule_id: str, name: str | None) -> Tried:
    rule_set, drafts = _library(texts)
    rule = rule_set.rules[rule_id]
    failed = [result.test for result in rehearse(rule_set, rule_id, name) if not result.passed]
    if failed:
        fault = f"the rule fails its own test {failed[0]!r}; mend that first"
        return Tried(rule_id, rule.position, fault=fault)
    draft, breeder = drafts[rule_id]
    scenarios = [(str(test.get("name", "test")), read_scenario(rule_set, rule, test)) for test in _chosen(rule, name)]
    verdicts = (_verdict(rule_set, rule, mutant, scenarios) for mutant in breeder.mutants(draft))
    return Tried(rule_id, rule.position, tuple(verdicts))


def _chosen(rule: Rule, name: str | None) -> list[Mapping[str, object]]:
    return [test for test in rule.tests if name is None or name in f"{rule.id}: {test.get('name', '')}"]


def _verdict(rule_set: RuleSet, rule: Rule, mutant: Mutant, scenarios: list[tuple[str, Scenario]]) -> Verdict:
    fate, why = Fate.SURVIVED, ""
    reason = proof(rule, mutant.rule, rule_set.catalogue)
    if reason:
        fate, why = Fate.EQUIVALENT, reason
    else:
        killer = next(
            _killers(replace(rule_set, rules={**rule_set.rules, rule.id: mutant.rule}), rule.id, scenarios), None
        )
        if killer is not None:
            fate, why = Fate.KILLED, scenarios[killer][0]
            scenarios.insert(0, scenarios.pop(killer))  # what told the last mutant apart may well tell the next
    return Verdict(mutant.what, mutant.position, mutant.lines, fate, why)


def _killers(rule_set: RuleSet, rule: str, scenarios: Sequence[tuple[str, Scenario]]) -> Iterator[int]:
    """Yield the places of the tests that a mutant fails, one after the other."""
    for place, (_, scenario) in enumerate(scenarios):
        if differs(replace(scenario, rules=rules_for(rule_set, rule, scenario.params)), rule):
            yield place
