"""One rule, compiled for devices with the same parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from iotops.rules.clocks import Crossing
from iotops.rules.closures import Notes
from iotops.rules.hearing import begins_when_heard
from iotops.rules.machine import Machine
from iotops.rules.moment import Closure, Moment
from iotops.rules.parts import Part, Print
from iotops.rules.rule import Parameter, Rule
from iotops.rules.sequence import CompiledSequence
from iotops.rules.series import NEVER
from iotops.rules.surveys import Asked, Survey, Surveys
from iotops.rules.values import Truth
from iotops.rules.verdict import Verdict

DEVICE: Final = ("device",)  # what `per` says where it says nothing


@dataclass(eq=False, slots=True)
class CompiledRule:
    """One rule for devices with the same parameters.

    A rule that looks at other devices is judged by the group stage: `slots` are the parts that the device stage reads
    for it, `whens`, `until` and `unless` then read those from `Moment.values`, and `may_be` tells from the device
    alone whether a tier can be true at all.

    Attributes:
        rank: causes rank before the rules that ask for them.
        limits: until when each metric of the condition is fresh; of `until`, where the condition is a sequence.
        unless_limits: the same for the metrics that only `unless` reads: it ends when one of them goes stale.
        sequence: the steps, where the rule waits for one after another.
        notes, prints_notes: what the conditions read, and what the summary reads beside it.
        is_group: the rule's instances are groups.
        lateness_ms: how long it waits for samples that come late; a rule that looks at other devices cannot wait.
        asking: finds the questions again that were put to groups.
        surveys: what is asked of all devices of a group; `asked`: what their answers are made of.
        across: the parts that are answered by groups.
        until_asked: what `until` asks of groups.
        follows_only: nothing that a device says turns it, only other rules do.
    """

    rule: Rule
    rank: int
    params: Mapping[str, Parameter]
    machine: Machine
    whens: tuple[Closure, ...]
    until: tuple[Closure, ...]
    unless: Closure | None
    limits: tuple[Callable[[Moment], int], ...]
    unless_limits: tuple[Callable[[Moment], int], ...]
    notes: Notes
    prints: tuple[str | Print, ...]
    prints_notes: Notes
    parts: Mapping[str, tuple[Part, ...]]
    in_group: bool = False
    slots: tuple[Part, ...] = ()
    may_be: tuple[Closure, ...] = ()
    sequence: CompiledSequence | None = None
    asking: Surveys | None = None
    surveys: tuple[Survey, ...] = ()
    across: tuple[Part, ...] = ()
    prints_across: bool = False
    until_asked: tuple[Asked, ...] = ()
    is_group: bool = field(init=False)
    asked: tuple[Notes, ...] = field(init=False)
    events: frozenset[str] = field(init=False)
    id: str = field(init=False)
    lateness_ms: int = field(init=False)
    has_windows: bool = field(init=False)
    begins_when_heard: bool = field(init=False)
    crossings: tuple[Crossing, ...] = field(init=False)
    follows_only: bool = field(init=False)
    _asof: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.id = self.rule.id
        self.is_group = self.rule.per != DEVICE
        self.lateness_ms = 0 if self.in_group or self.is_group else self.rule.lateness_ms
        self.asked = tuple(question.notes for survey in self.surveys for question in survey.questions)
        self.events = frozenset().union(self.notes.events, *(notes.events for notes in self.asked))
        self.has_windows = any(notes.spans_ms or notes.counts for notes in (self.notes, self.prints_notes))
        self.begins_when_heard = any(begins_when_heard(when.root) for when in self.rule.when.values())
        self.crossings = tuple(self.notes.crossings)
        causes = any(notes.causes for notes in (self.notes, *self.asked))
        self.follows_only = causes and not any(notes.reads_devices for notes in (self.notes, *self.asked))
        self._asof = tuple(self.notes.metrics) if self.has_windows and not self.notes.events else ()

    def freshness(self, moment: Moment) -> tuple[bool, int | None]:
        """Return whether a metric of the condition has lapsed, and until when the next of the others is fresh."""
        lapsed, wake_ms = False, None
        for limit in self.limits:
            limit_ms = limit(moment)
            if moment.edge_ms > limit_ms:
                lapsed = True
            elif wake_ms is None or limit_ms < wake_ms:
                wake_ms = limit_ms
        for limit in self.unless_limits:
            limit_ms = limit(moment)
            if moment.edge_ms <= limit_ms and (wake_ms is None or limit_ms < wake_ms):
                wake_ms = limit_ms
        if lapsed and self.sequence is not None and moment.edge_ms == moment.at_ms:
            wake_ms = moment.at_ms  # it may fire on nothing but its steps; that `until` is unknown is said right after
        return lapsed, wake_ms

    def others_lapsed(self, moment: Moment) -> bool:
        """Tell whether something that groups are asked is unknown for want of fresh samples.

        It is about the condition, and about `until` where the condition is a sequence.
        """
        if self.sequence is not None:
            return any(asked.lapsed(moment) for asked in self.until_asked)
        groups = (moment.group(self.id, survey.labels) for survey in self.surveys)
        return any(group is not None and group.tally.lapsed for group in groups)

    def tiers(self, moment: Moment) -> tuple[Truth, ...]:
        """Return whether each tier's condition is true at a moment."""
        return tuple([when(moment) for when in self.whens])

    def verdict(self, moment: Moment, tiers: tuple[Truth, ...], lapsed: bool, wake_ms: int | None) -> Verdict:
        """Judge the rule at a moment, at which its tiers were read."""
        return Verdict(
            tiers,
            tuple(until(moment) for until in self.until),
            self.unless is not None and self.unless(moment) is True,
            lapsed,
            wake_ms,
        )

    def asof_ms(self, moment_device: Any) -> int:
        """Return where the rule's windows end: at the newest sample of its metrics, of any reading for events."""
        if not self._asof:
            return int(moment_device.event_ms)
        series = moment_device.series
        newest = NEVER
        for metric in self._asof:
            if metric in series and series[metric].last_ms > newest:
                newest = series[metric].last_ms
        return newest
