"""Sequences: how far an instance has come, and what the present moment does to it. Pure: a step returns what is next.

A sequence is not true or false as a condition is: it completes, at one instant. What completes it is kept per instance
as an `Attempt`, and every instance makes one at a time. The first step counts from its edge, when it becomes true; a
new edge starts the attempt again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from iotops.rules.alert import AlertState
from iotops.rules.moment import Closure, Moment
from iotops.rules.surveys import Asked
from iotops.rules.values import Truth
from iotops.rules.verdict import Due, earlier


class Attempt(NamedTuple):
    """How far a sequence has come on one instance.

    Attributes:
        meaning: semantic hash of the rule; an attempt at other steps means nothing.
        edge_ms: when the first step became true. It still is as far as known, or steps have completed since.
        held: the first step has not been known false since.
        done: how many steps have completed; 0: the attempt is over, and only a new edge begins another.
        since_ms: when the last of them did.
        known: the condition that is waited for was known since.
    """

    meaning: str
    edge_ms: int
    held: bool
    done: int
    since_ms: int
    known: bool


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """A step.

    Attributes:
        limits: until when each of its metrics is fresh.
        asked: what it asks of groups.
        passing: it is true at instants only (events).
    """

    when: Closure
    negated: bool
    within_ms: int | None
    limits: tuple[Callable[[Moment], int], ...]
    asked: tuple[Asked, ...] = ()
    passing: bool = False

    def deadline_ms(self, since_ms: int) -> int | None:
        """Return by when (included) the step must complete, or at which it does where it is negated."""
        return None if self.within_ms is None else since_ms + self.within_ms

    def lapsed(self, moment: Moment) -> bool:
        """Tell whether a metric of the step is stale, of the device or of those that are asked."""
        stale = any(moment.edge_ms > limit(moment) for limit in self.limits)
        return stale or any(asked.lapsed(moment) for asked in self.asked)


@dataclass(frozen=True, slots=True)
class CompiledSequence:
    """The steps of a rule, for devices with the same parameters."""

    meaning: str
    steps: tuple[CompiledStep, ...]

    def advance(self, moment: Moment, attempt: Attempt | None, *, sampled: bool = False) -> tuple[Attempt | None, bool]:
        """Take in a moment: return how far the instance is now, and whether the sequence completed.

        What is under way goes first: an attempt that completes at the instant of a new edge has completed. `sampled`:
        a sample is looked at, and at the same instant others may come, which precede what that instant completes.
        """
        attempt = attempt if attempt and attempt.meaning == self.meaning else None
        attempt, completed = self._run(moment, attempt, sampled=sampled)
        edge = self._edge(moment, attempt)
        if edge is None or not edge.done or edge == attempt:
            return edge, completed
        if sampled and not completed:
            _, completed = self._run(moment, attempt, sampled=False)
        attempt, again = self._run(moment, edge, sampled=sampled)
        return attempt, completed or again

    def _run(self, moment: Moment, attempt: Attempt | None, *, sampled: bool) -> tuple[Attempt | None, bool]:
        """Complete the steps that an attempt waits for, as far as they do."""
        while attempt is not None and 0 < attempt.done < len(self.steps):
            following = self._follow(moment, attempt, sampled=sampled)
            if following == attempt:
                break
            attempt = following
        if attempt is None or attempt.done < len(self.steps):
            return attempt, False
        return _over(attempt), True

    def next_due(self, moment: Moment, attempt: Attempt | None, after_ms: int) -> Due | None:
        """Return when time alone decides about the step that is waited for: its deadline, or when its data lapses.

        `after_ms`: what was due up to then is settled.
        """
        if attempt is None or not attempt.done or attempt.meaning != self.meaning:
            return None
        step = self.steps[attempt.done]
        deadline_ms = step.deadline_ms(attempt.since_ms) if step.negated else None
        due = None if deadline_ms is None or deadline_ms <= after_ms else Due(deadline_ms, past=False)
        if step.negated or attempt.known:
            fresh_ms = (found for limit in step.limits if (found := limit(moment)) >= moment.edge_ms)
            lapse_ms = min(fresh_ms, default=None)
            due = earlier(due, None if lapse_ms is None else Due(lapse_ms, past=True))
        return due

    def _edge(self, moment: Moment, attempt: Attempt | None) -> Attempt | None:
        """Look at the first step: what it starts, starts again, or lets be forgotten."""
        first = self.steps[0]
        truth: Truth = first.when(moment)
        if truth is True:
            again = first.passing and attempt is not None and attempt.edge_ms < moment.at_ms
            if attempt is not None and attempt.held and not again:
                return attempt
            return Attempt(self.meaning, moment.at_ms, True, 1, moment.at_ms, False)
        if truth is False and attempt is not None and attempt.held:
            attempt = attempt._replace(held=False)
        return attempt if attempt is not None and (attempt.held or attempt.done) else None

    def _follow(self, moment: Moment, attempt: Attempt, *, sampled: bool) -> Attempt | None:
        """Judge the step that is waited for."""
        step = self.steps[attempt.done]
        deadline_ms = step.deadline_ms(attempt.since_ms)
        overdue = deadline_ms is not None and moment.at_ms > deadline_ms
        truth: Truth = step.when(moment)
        if truth is None:
            stale = (step.negated or attempt.known) and step.lapsed(moment)
            return _over(attempt) if stale or (overdue and not step.negated) else attempt
        if not step.negated:
            if overdue:
                return _over(attempt)
            return _next(attempt, moment) if truth else attempt._replace(known=True)
        if truth:
            return _over(attempt)
        if deadline_ms is not None and moment.at_ms >= deadline_ms + sampled:
            return _next(attempt, moment)
        return attempt._replace(known=True)


def standing(rule: str, until: Closure) -> Closure:
    """Return whether a sequence that completed still stands: it does as long as `until` is false.

    That it completed is a fact, which unknown data does not undo while `for` runs.
    """

    def judge(moment: Moment) -> Truth:
        if moment.completed:
            return True
        alert = moment.device.open.get(rule)
        if alert is None:
            return False
        if moment.edge_ms in (alert.began_ms, alert.fired_ms):  # whatever else is judged at that very instant
            return True
        truth = until(moment)
        if alert.state is AlertState.PENDING:
            return truth is not True
        return not truth if truth.__class__ is bool else None

    return judge


def _next(attempt: Attempt, moment: Moment) -> Attempt:
    return attempt._replace(done=attempt.done + 1, since_ms=moment.at_ms, known=False)


def _over(attempt: Attempt) -> Attempt | None:
    return attempt._replace(done=0, since_ms=attempt.edge_ms, known=False) if attempt.held else None
