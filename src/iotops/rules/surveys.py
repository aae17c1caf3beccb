"""What a rule asks of all the devices of a group, compiled: conditions that are counted, values that are ranked."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from iotops.rules.closures import Compiler, Notes
from iotops.rules.language.names import label_of
from iotops.rules.language.nodes import Call, Node, Path
from iotops.rules.language.reach import SURVEYS
from iotops.rules.language.walk import shape, walk
from iotops.rules.moment import Closure, Moment
from iotops.rules.rule import MetricSpec, Parameter, Rule
from iotops.rules.series import NEVER
from iotops.rules.values import NUMBERS, Truth
from iotops.rules.verdict import Due, earlier, waking

SITE: tuple[str, ...] = ("site",)  # the group of a rule per device: the devices of its site


class Answer(NamedTuple):
    """What one device says to a survey.

    Attributes:
        truths: of the conditions. `held`: unknown, but young enough to hold a clock: a sample without a value came.
        values: of the metrics, None where missing or no number.
        turn: when time alone may change any of that, None where it cannot.
    """

    truths: tuple[Truth, ...]
    held: tuple[bool, ...]
    values: tuple[Any, ...]
    turn: Due | None

    def differs(self, other: "Answer") -> bool:
        """Tell whether another answer says something else; when it may change next is no matter."""
        return self[:3] != other[:3]


@dataclass(eq=False, slots=True)
class Question:
    """One condition, or one metric, that every device of a group is asked for.

    Attributes:
        text: what the author wrote.
        limits: until when (included) each metric of it is fresh.
    """

    text: str
    read: Closure
    notes: Notes
    limits: tuple[Callable[[Moment], int], ...]

    def ask(self, moment: Moment, device: Any, at: Due) -> tuple[Any, bool, Due | None]:
        """Return a device's value at an instant, whether a metric has lapsed, and when time alone may change that."""
        moment.at(device, at.at_ms, at.past, self._asof_ms(device))
        value = self.read(moment)
        fresh = [limit_ms for limit in self.limits if (limit_ms := limit(moment)) >= moment.edge_ms]
        lapsed = len(fresh) < len(self.limits)
        turn = waking(min(fresh, default=None))
        for crossing in self.notes.crossings:
            at_ms = crossing.next_ms(moment)
            turn = turn if at_ms is None else earlier(turn, Due(at_ms, past=False))
        return value, lapsed, turn

    def _asof_ms(self, device: Any) -> int:
        """Return where windows end: at the newest sample of the metrics that are read, of any reading for events."""
        notes = self.notes
        if notes.events or not notes.metrics or not (notes.spans_ms or notes.counts):
            return int(device.event_ms)
        series = device.series
        return max((series[metric].last_ms for metric in notes.metrics if metric in series), default=NEVER)


@dataclass(eq=False, slots=True)
class Survey:
    """What a rule asks of the devices that agree in some labels (none: of all its devices).

    Attributes:
        polls: conditions, counted by `devices()` and `share()`.
        ranks: metrics, of which `peers()` takes the median.
        in_steps: for steps of a sequence, in which an event counts at its instant, and not until the device says more.
    """

    labels: tuple[str, ...]
    in_steps: bool = False
    polls: list[Question] = field(default_factory=list)
    ranks: list[Question] = field(default_factory=list)

    @property
    def questions(self) -> list[Question]:
        """Return conditions and metrics."""
        return [*self.polls, *self.ranks]

    @property
    def runs_with_time(self) -> bool:
        """Tell whether time alone begins something: an age grows, and not only do samples lapse."""
        return any(question.notes.crossings for question in self.questions)

    def answer(self, moment: Moment, device: Any, at: Due) -> Answer:
        """Return what a device says at an instant of its own time."""
        turn: Due | None = None
        truths, held, values = [], [], []
        for poll in self.polls:
            truth, lapsed, turns = poll.ask(moment, device, at)
            truths.append(truth if truth.__class__ is bool else None)
            held.append(truths[-1] is None and not lapsed)
            turn = earlier(turn, turns)
        for rank in self.ranks:
            value, _, turns = rank.ask(moment, device, at)
            values.append(value if value.__class__ in NUMBERS else None)
            turn = earlier(turn, turns)
        return Answer(tuple(truths), tuple(held), tuple(values), turn)

    def momentary(self, answer: Answer, device: Any, at: Due, now: Due) -> Answer:
        """Return what a device said at an instant of its own time as a group takes it, which stands at `now`.

        What an event says is over with the instant at which the group hears of it.
        """
        if not self.in_steps or at.past:
            return answer
        events = (metric for question in self.questions for metric in question.notes.events)
        happens = any(metric in device.series and device.series[metric].last_ms == at.at_ms for metric in events)
        return answer._replace(turn=Due(now.at_ms, past=True)) if happens else answer


@dataclass(frozen=True, slots=True)
class Asked:
    """What one expression of a rule asks of a group: the places of its questions."""

    rule: str
    labels: tuple[str, ...]
    polls: tuple[int, ...]
    ranks: tuple[int, ...]

    def lapsed(self, moment: Moment) -> bool:
        """Tell whether something of it is unknown for want of fresh samples."""
        group = moment.group(self.rule, self.labels)
        return group is not None and group.tally.lapsed_among(self.polls, self.ranks)


class Surveys:
    """Collects, while a rule is compiled, what it asks of groups; equal questions are asked once.

    Attributes:
        text: of the expression that is being compiled.
    """

    def __init__(self, rule: Rule, params: Mapping[str, Parameter], catalogue: Mapping[str, MetricSpec]) -> None:
        self.rule = rule.id
        self.text = ""
        self.own = SITE if rule.per == ("device",) else group_labels(rule.per)
        self._compiler: Callable[[Notes], Compiler] = lambda notes: Compiler(rule, params, catalogue, notes)
        self._found: dict[tuple[str, ...], Survey] = {}
        self._places: dict[tuple[Any, ...], int] = {}
        self._in_steps = rule.sequence is not None
        if rule.per != ("device",):
            self._survey(self.own)

    @property
    def found(self) -> tuple[Survey, ...]:
        """Return what was collected."""
        return tuple(self._found.values())

    def poll(self, condition: Node) -> tuple[tuple[str, ...], int]:
        """Return by which labels a condition is counted, and its place among those counted so."""
        return self.own, self._place(self._survey(self.own).polls, self.own, condition)

    def rank(self, metric: Node, label: str) -> tuple[tuple[str, ...], int]:
        """Return by which labels a metric's median is taken, and its place among those taken so."""
        labels = (label,)
        return labels, self._place(self._survey(labels).ranks, labels, metric)

    def asked_in(self, root: Node) -> tuple[Asked, ...]:
        """Return what an expression asks, which was compiled; group by group."""
        places: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
        for node in walk(root):
            if not isinstance(node, Call) or node.name not in SURVEYS:
                continue
            label = node.args[1] if len(node.args) > 1 else None
            if isinstance(label, Path):
                labels, place = self.rank(node.args[0], label_of(label))
                places.setdefault(labels, ([], []))[1].append(place)
            else:
                labels, place = self.poll(node.args[0])
                places.setdefault(labels, ([], []))[0].append(place)
        return tuple(Asked(self.rule, labels, tuple(polls), tuple(ranks)) for labels, (polls, ranks) in places.items())

    def happens_in(self, asked: Iterable[Asked]) -> bool:
        """Tell whether events are among what is asked."""
        return any(self._found[each.labels].polls[place].notes.events for each in asked for place in each.polls)

    def _survey(self, labels: tuple[str, ...]) -> Survey:
        return self._found.setdefault(labels, Survey(labels, self._in_steps))

    def _place(self, questions: list[Question], labels: tuple[str, ...], node: Node) -> int:
        key = (labels, questions is self._found[labels].polls, shape(node))
        if key not in self._places:
            notes = Notes()
            compiler = self._compiler(notes)
            read = compiler.closure(node)
            limits = tuple(compiler.limit(metric) for metric in sorted(notes.metrics))
            self._places[key] = len(questions)
            questions.append(Question(self.text[node.start : node.end], read, notes, limits))
        return self._places[key]


def group_labels(per: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels that the devices of a group share: none for the whole fleet."""
    return () if per == ("fleet",) else per
