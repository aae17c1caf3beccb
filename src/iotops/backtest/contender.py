"""One rule set under judgement: its own program and memory, fed with the same steps as its rivals."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from iotops.backtest.steps import Step
from iotops.backtest.told import Reload
from iotops.rules.alert import Transition
from iotops.rules.authoring.replay import restarted
from iotops.rules.compile import Program, compile_rules
from iotops.rules.device import DeviceFacts
from iotops.rules.engine import Evaluation, evaluate
from iotops.rules.memory import Memory
from iotops.rules.reload import reload
from iotops.rules.rule import RuleSet
from iotops.telemetry.batch import Batch

Editions = Callable[[str], RuleSet]
"""Return the rules of an edition that the log names."""


@dataclass(slots=True)
class Contender:
    """Judges steps by one rule set, or by those that were in force.

    Attributes:
        editions: where given, rules change as the log says; else they are loaded again as they are.
        faults: rule -> how often it raised.
    """

    program: Program
    memory: Memory = field(default_factory=Memory)
    editions: Editions | None = None
    faults: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, rule_set: RuleSet, devices: Iterable[DeviceFacts], editions: Editions | None = None) -> "Contender":
        """Make one that knows these devices and has heard nothing of them yet."""
        found = cls(compile_rules(rule_set), editions=editions)
        for facts in devices:
            found.memory.register(facts)
        return found

    def take(self, step: Step) -> list[Transition]:
        """Judge a step as the ingest did, and keep its changes; return the transitions in the order of the engine."""
        found: list[Transition] = []
        for tick in step.ticks:
            found += self._keep(evaluate(self.program, Batch(), self.memory, tick))
        if step.reload is not None and step.reload.started:
            self.memory = restarted(self.memory)
        for facts in step.facts:
            self.memory.register(facts)
        if self.editions is not None:  # other rules may do better, and show it
            self.program.quarantined.update(step.quarantined)
        if step.reload is not None:
            self.program = self._reloaded(step.reload)
            return found + self._keep(reload(self.program, self.memory))
        return found + self._keep(evaluate(self.program, step.batch, self.memory, step.now, punctual=step.punctual))

    def _reloaded(self, what: Reload) -> Program:
        rules = self.program.rule_set if self.editions is None else self.editions(what.edition)
        return compile_rules(rules)

    def _keep(self, evaluation: Evaluation) -> list[Transition]:
        evaluation.journal.apply()
        self.faults.update(fault.rule for fault in evaluation.faults)
        return list(evaluation.transitions)
