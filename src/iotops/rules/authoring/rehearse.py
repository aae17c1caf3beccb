"""Rehearse rules: run the tests that stand beside them through the engine, and compare timelines."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from iotops.rules.alert import AlertState, Change, Transition
from iotops.rules.authoring.expected import Timeline
from iotops.rules.authoring.explain import explain
from iotops.rules.authoring.explanation import Explanation
from iotops.rules.authoring.given import UnusableTest
from iotops.rules.authoring.replay import replay, restarted
from iotops.rules.authoring.scenario import Scenario, read_scenario
from iotops.rules.compile import Program, compile_rules
from iotops.rules.memory import Memory
from iotops.rules.rule import Position, Rule, RuleSet
from iotops.rules.source.plain import Entries

_SHOWN: Final = frozenset({"info", "warning", "critical", "resolved", "suppressed"})
_DATA: Final = frozenset({"unknown", "known"})
_SEVERITY: Final = frozenset({Change.FIRED, Change.ESCALATED, Change.EASED, Change.UNSUPPRESSED})


@dataclass(frozen=True, slots=True)
class Result:
    """One test, run.

    Attributes:
        fault: why it could not be run at all, "" where it could.
        differs_at: instance and offset (ms) of the first difference, None where there is none.
        why: the explanation of that instant.
    """

    rule: str
    test: str
    position: Position
    expected: Timeline
    found: Timeline
    fault: str = ""
    differs_at: tuple[str, int] | None = None
    why: Explanation | None = None

    @property
    def passed(self) -> bool:
        """Tell whether the rule did what the test expects, no more and no less."""
        return not self.fault and self.differs_at is None


def rehearse(rule_set: RuleSet, rule_id: str | None = None, name: str | None = None) -> tuple[Result, ...]:
    """Run the tests of all rules, of one, or those whose `rule: name` contains a text."""
    chosen = (
        (rule, test)
        for rule in rule_set.rules.values()
        for test in rule.tests
        if rule_id in (None, rule.id) and (name is None or name in f"{rule.id}: {test.get('name', '')}")
    )
    return tuple(_run(rule_set, rule, test) for rule, test in chosen)


def timeline_of(transitions: Iterable[Transition], rule: str, start_ms: int, states: frozenset[str]) -> Timeline:
    """Return what an operator sees of a rule, as far as it is among `states`."""
    found: dict[str, dict[int, tuple[Mapping[str, str], ...]]] = {}
    for transition in transitions:
        state = _state(transition)
        if transition.alert.key.rule == rule and state in states:
            at_ms = transition.at_ms - start_ms
            timeline = found.setdefault(transition.alert.key.instance, {})
            entry = {"state": state, "summary": transition.alert.summary}
            timeline[at_ms] = (*timeline.get(at_ms, ()), entry)
    return found


def _run(rule_set: RuleSet, rule: Rule, test: Mapping[str, Any]) -> Result:
    name = str(test.get("name", "test"))
    position = test.position if isinstance(test, Entries) else rule.position
    try:
        scenario = read_scenario(rule_set, rule, test)
        transitions, _, _ = play(scenario, scenario.end_ms)
    except (UnusableTest, RuntimeError) as error:
        return Result(rule.id, name, position, {}, {}, fault=str(error))
    found = timeline_of(transitions, rule.id, scenario.start_ms, _compared(scenario.expected))
    result = Result(rule.id, name, position, scenario.expected, found)
    differs_at = first_difference(scenario.expected, found)
    if differs_at is None:
        return result
    instance, at_ms = differs_at
    _, program, memory = play(scenario, at_ms)
    why = explain(program, memory, rule.id, instance, scenario.start_ms + at_ms + rule.lateness_ms)
    return replace(result, differs_at=differs_at, why=why)


def play(scenario: Scenario, until_ms: int) -> tuple[list[Transition], Program, Memory]:
    """Run a scenario up to an offset, with its restarts; return the transitions, and the engine as it stands then.

    Rules that wait for late samples are brought to the offset, too: time goes on until they have judged it.
    """
    program = compile_rules(scenario.rules)
    memory = Memory()
    found: list[Transition] = []
    for _, transitions, memory in _course(scenario, program, until_ms):  # noqa: B007  the last one is returned
        found += _until(transitions, scenario.start_ms + until_ms)
    return found, program, memory


def differs(scenario: Scenario, rule: str) -> bool:
    """Tell whether a rule does anything else than a scenario expects, as soon as that is clear."""
    states = _compared(scenario.expected)
    found: list[Transition] = []
    try:
        for reached_ms, transitions, _ in _course(scenario, compile_rules(scenario.rules), scenario.end_ms):
            if any(each.alert.key.rule == rule for each in transitions):
                found += _until(transitions, scenario.start_ms + scenario.end_ms)
                timeline = timeline_of(found, rule, scenario.start_ms, states)
                if not _begins(scenario.expected, timeline, reached_ms - scenario.wait_ms):
                    return True
    except RuntimeError:
        return True
    return first_difference(scenario.expected, timeline_of(found, rule, scenario.start_ms, states)) is not None


def _course(scenario: Scenario, program: Program, until_ms: int) -> Iterator[tuple[int, list[Transition], Memory]]:
    """Yield for each step up to an offset how far it came, its transitions, and the memory that it left."""
    memory = Memory()
    for facts in scenario.devices:
        memory.register(facts)
    last_ms = until_ms + scenario.wait_ms
    readings = deque(reading for reading in scenario.readings if reading.at_ms <= scenario.start_ms + until_ms)
    for restart_ms in [*(at_ms for at_ms in scenario.restarts_ms if at_ms <= last_ms), None]:
        stop_ms = last_ms if restart_ms is None else restart_ms
        while readings and readings[0].connected_ms <= stop_ms:
            reading = readings.popleft()
            yield reading.connected_ms, replay(program, [reading], memory), memory
        yield stop_ms, replay(program, [], memory, until_connected_ms=stop_ms), memory
        if restart_ms is not None:
            memory = restarted(memory)


def _until(transitions: list[Transition], until_ms: int) -> list[Transition]:
    return [each for each in transitions if each.at_ms <= until_ms]


def first_difference(expected: Timeline, found: Timeline) -> tuple[str, int] | None:
    """Return instance and offset where two timelines part first; summaries count where they are expected."""
    parted = []
    for instance in {**expected, **found}:
        wanted, got = expected.get(instance, {}), found.get(instance, {})
        parted += [
            (at_ms, instance) for at_ms in {**wanted, **got} if not _agree(wanted.get(at_ms, ()), got.get(at_ms, ()))
        ]
    if not parted:
        return None
    at_ms, instance = min(parted)
    return instance, at_ms


def _begins(expected: Timeline, found: Timeline, before_ms: int) -> bool:
    """Tell whether what was found is how the expected timelines begin, up to an offset at least."""
    for instance in {**expected, **found}:
        wanted, got = expected.get(instance, {}), found.get(instance, {})
        if any(not _agree(entries, got.get(at_ms, ())) for at_ms, entries in wanted.items() if at_ms < before_ms):
            return False
        if any(not _agree(wanted.get(at_ms, ())[: len(entries)], entries) for at_ms, entries in got.items()):
            return False
    return True


def _compared(expected: Timeline) -> frozenset[str]:
    """Return the states that a test compares: whether data is known only where it lists that."""
    listed = {entry["state"] for timeline in expected.values() for each in timeline.values() for entry in each}
    return _SHOWN | (_DATA if listed & _DATA else frozenset())


def _agree(wanted: tuple[Mapping[str, str], ...], got: tuple[Mapping[str, str], ...]) -> bool:
    return len(wanted) == len(got) and all(
        all(entry.get(name) == value for name, value in expected.items())
        for expected, entry in zip(wanted, got, strict=True)
    )


def _state(transition: Transition) -> str:
    """Return what an operator sees of a transition, "" for what goes on inside."""
    alert = transition.alert
    if transition.change in _SEVERITY and alert.state is not AlertState.PENDING:
        return alert.severity.word
    if transition.change is Change.RESOLVED and alert.state is AlertState.RESOLVED:
        return "resolved"
    return transition.change.value if transition.change.value in _SHOWN | _DATA else ""
