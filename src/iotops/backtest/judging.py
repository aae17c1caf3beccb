"""One process's share of a backtest: some devices, all rule sets, from the database to episodes."""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from iotops.backtest.contender import Contender
from iotops.backtest.episodes import Episodes
from iotops.backtest.question import Answer, Question
from iotops.backtest.steps import Step, arrival_steps, event_steps
from iotops.rules.alert import Transition
from iotops.rules.device import DeviceFacts
from iotops.rules.plan import Plan
from iotops.rules.rule import RuleSet
from iotops.rules.rulefile import rules_of
from iotops.store import facts as known_facts
from iotops.store.database import Database, Unit
from iotops.store.editions import edition
from iotops.store.history import Wanted, stretches
from iotops.telemetry.reading import DeviceKey

WARM_UP_MS: Final = 3_600_000
_COLLECT_AFTER: Final = 200_000  # objects between two looks of the garbage collector: nothing here makes cycles

Progress = Callable[[int], None]
"""Is told how many readings were judged since it was told last."""
Watch = Callable[[int, Step, list[Transition]], None]
"""Is shown each step and what it did to the rule set of that number."""


def judge(
    database: Database,
    question: Question,
    device_ids: frozenset[int] | None = None,
    progress: Progress = lambda _count: None,
    watch: Watch = lambda _number, _step, _transitions: None,
) -> Answer:
    """Judge what is stored of some devices (None: of all that are asked for) by every rule set of a question."""
    before = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER)
    try:
        with database.read() as unit:
            return _judged(unit, question, device_ids, progress, watch)
    finally:
        gc.set_threshold(*before)


def starts_ms(question: Question, devices: Iterable[DeviceFacts]) -> int:
    """Return from when on to read, so that windows are full and holds have run when the range begins."""
    longest = max((_reach_ms(rules, devices) for rules in question.rules if rules is not None), default=0)
    return question.since_ms - max(longest, WARM_UP_MS)


def facts_for(unit: Unit, question: Question) -> dict[DeviceKey, DeviceFacts]:
    """Return the devices that are asked for, as they were known when the range begins."""
    if question.by_event:
        found = {
            key: replace(facts, registered_connected_ms=facts.registered_ms)
            for key, facts in known_facts.facts_now(unit).items()
        }
    else:
        found = known_facts.facts_at(unit, starts_ms(question, known_facts.facts_now(unit).values()))
    return {key: facts for key, facts in found.items() if question.wants(facts)}


def _judged(
    unit: Unit, question: Question, device_ids: frozenset[int] | None, progress: Progress, watch: Watch
) -> Answer:
    now = known_facts.facts_now(unit)
    key_of = {
        number: key
        for number, key in known_facts.ids(unit).items()
        if question.wants(now[key]) and (device_ids is None or number in device_ids)
    }
    mine = frozenset(key_of.values())
    devices = [facts for key, facts in facts_for(unit, question).items() if key in mine]
    start_ms = starts_ms(question, now.values())
    contenders = [_contender(unit, rules, devices, start_ms) for rules in question.rules]
    found = [Episodes(question.since_ms, by_event=question.by_event) for _ in contenders]
    answer = Answer([], devices=len(mine))
    wanted = Wanted(start_ms, question.until_ms, by_event=question.by_event, device_ids=frozenset(key_of))
    for step in _steps(unit, wanted, key_of, question.since_ms):
        for number, (contender, episodes) in enumerate(zip(contenders, found, strict=True)):
            transitions = contender.take(step)
            if transitions:
                episodes.take(transitions, step.now.wall_ms, exact=step.exact)
            watch(number, step, transitions)
        _account(answer, step)
        progress(step.readings)
    answer.episodes = [each.all() for each in found]
    answer.faults = [contender.faults for contender in contenders]
    return answer


def _steps(unit: Unit, wanted: Wanted, key_of: Mapping[int, DeviceKey], since_ms: int) -> Iterator[Step]:
    stored = stretches(unit, wanted)
    return event_steps(stored, key_of) if wanted.by_event else arrival_steps(stored, key_of, since_ms)


def _account(answer: Answer, step: Step) -> None:
    answer.readings += step.readings
    if not step.exact:
        answer.guessed += step.readings
        if step.readings:
            answer.exact_from_ms = None
    elif answer.exact_from_ms is None:
        answer.exact_from_ms = step.now.wall_ms


def _contender(unit: Unit, rules: RuleSet | None, devices: Iterable[DeviceFacts], start_ms: int) -> Contender:
    if rules is not None:
        return Contender.of(rules, devices)

    @cache
    def kept(digest: str) -> RuleSet:
        return rules_of(edition(unit, digest))

    loaded = known_facts.editions(unit)
    before = [digest for at_ms, digest in loaded if at_ms < start_ms] or [digest for _, digest in loaded[:1]]
    first = kept(before[-1]) if before else RuleSet({})
    return Contender.of(first, devices, kept)


def _reach_ms(rules: RuleSet, devices: Iterable[DeviceFacts]) -> int:
    """Return how far back anything looks that these rules say: the longest window, hold and wait for late samples."""
    program = Contender.of(rules, ()).program
    plans = [plan for facts in devices for plan in _plans(program.plan_of(facts))]
    spans = [kept.span_ms for plan in plans for kept in plan.kept.values()]
    holds = [max(rule.for_ms.values(), default=0) + rule.keep_firing_for_ms for rule in rules.rules.values()]
    waits = [rule.lateness_ms for rule in rules.rules.values()]
    return max(spans, default=0) + max(holds, default=0) + max(waits, default=0)


def _plans(plan: Plan) -> tuple[Plan, ...]:
    return plan, *plan.delayed.values()
