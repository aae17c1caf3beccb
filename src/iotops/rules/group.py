"""What the engine remembers of one group: the devices of one rule that agree in some labels."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from iotops.rules.alert import Alert
from iotops.rules.device import FOREVER, DeviceMemory
from iotops.rules.instances import instance_of
from iotops.rules.surveys import Answer, Survey
from iotops.rules.tally import Tally
from iotops.rules.verdict import Due, earlier
from iotops.telemetry.reading import DeviceKey

if TYPE_CHECKING:
    from iotops.rules.compiled import CompiledRule
    from iotops.rules.sequence import Attempt


class GroupKey(NamedTuple):
    """A rule, and the labels with their values by which it groups devices."""

    rule: str
    labels: tuple[str, ...]
    values: tuple[str, ...]


class GroupClock(NamedTuple):
    """Where a group's time stands; the greatest of its devices' is the group's.

    Attributes:
        started: the device was heard; a registration alone counts only as long as no device was.
        at_ms: the earlier of event time and receive time.
        before_ms: minus the broker-connected time of that reading: of equal times the earliest counts.
    """

    started: bool
    at_ms: int
    before_ms: int


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What is known of a group: the labels that its devices share."""

    labels: Mapping[str, str]


class Group:
    """One group of one rule: its devices' answers, its clock, and its alert where the rule's instances are groups.

    Attributes:
        rule: compiled for the parameters that its labels select.
        open: rule id -> alert that is not resolved; at most one.
        attempts: rule id -> how far its sequence has come; at most one.
        due: when to judge the rule again if nothing comes.
        judged: the rule was judged since the group was formed.
        live: devices whose own instance of the rule follows what the group says.
    """

    __slots__ = (
        "_lived", "_mark", "attempts", "clock", "due", "facts", "group_key", "judged", "key", "live", "open",
        "queued_ms", "rule", "sites", "survey", "tally",
    )  # fmt: skip

    def __init__(self, key: GroupKey, rule: "CompiledRule", survey: Survey) -> None:
        self.group_key = key
        self.key = instance_of(key.labels, key.values)
        self.rule = rule
        self.survey = survey
        self.facts = GroupFacts(dict(zip(key.labels, key.values, strict=True)))
        self.tally = Tally(len(survey.polls), len(survey.ranks))
        self.sites: Counter[str] = Counter()
        self.clock = GroupClock(started=False, at_ms=0, before_ms=0)
        self.open: dict[str, Alert] = {}
        self.attempts: dict[str, Attempt] = {}
        self.due: Due | None = None
        self.judged = False
        self.live: set[DeviceKey] = set()
        self.queued_ms = FOREVER
        self._mark: tuple[Any, ...] | None = None
        self._lived: dict[DeviceKey, bool] = {}

    @property
    def has_instance(self) -> bool:
        """Tell whether the rule's alert is about this group, not about its devices."""
        return self.rule.is_group and self.survey is self.rule.surveys[0]

    @property
    def instance(self) -> str:
        """Return the name of the instance."""
        return self.key

    @property
    def device(self) -> None:
        """A group is no device."""
        return

    @property
    def site(self) -> str:
        """Return the site that all devices share, "" where they are of several."""
        return next(iter(self.sites)) if len(self.sites) == 1 else ""

    @property
    def event_ms(self) -> int:
        """Return the newest instant that a device's reading moved the clock to."""
        return self.clock.at_ms

    @property
    def connected_ms(self) -> int:
        """Return the broker-connected time at which that reading was received."""
        return -self.clock.before_ms

    def connected_at(self, at_ms: int) -> int:
        """Return the broker-connected time at which the clock reaches an instant, if nothing comes."""
        return at_ms - self.clock.at_ms - self.clock.before_ms

    @property
    def judged_until(self) -> Due:
        """Return the instant up to which the group, and its alert, were judged."""
        alert = self.open.get(self.rule.id)
        if alert is None or alert.checked_ms <= self.clock.at_ms:
            return Due(self.clock.at_ms, past=False)
        return Due(alert.checked_ms, past=True)

    def note_end(self, at_ms: int) -> None:
        """Let it be: a group is made anew from what its devices remember, at the instant that their clocks show."""

    def forget(self, _rule: str) -> None:
        """Forget when to judge the rule again; the devices' answers stay."""
        self.due = None

    def put(self, key: DeviceKey, answer: Answer | None) -> Answer | None:
        """Take a device's answer, None where it left; return the one before, None where it is new."""
        before = self.tally.put(key, answer)
        if (before is None) is not (answer is None):
            self._count_site(key, -1 if answer is None else 1)
        if answer is None:
            self.enliven(key, live=False)
        return before

    def enliven(self, key: DeviceKey, *, live: bool) -> None:
        """Note whether a device's own instance follows the group."""
        if live is not (key in self.live):
            self._lived.setdefault(key, not live)
            (self.live.add if live else self.live.discard)(key)

    def clock_ms(self, connected_ms: int) -> int:
        """Return the group's clock at an instant of broker-connected time."""
        return self.clock.at_ms + connected_ms + self.clock.before_ms

    def soonest(self) -> Due | None:
        """Return when anything is due next on the group's clock."""
        turn = self.tally.next_turn()
        return earlier(self.due, turn[0] if turn else None)

    def due_ms(self) -> int | None:
        """Return the broker-connected time at which anything is due next, if nothing comes."""
        soonest = self.soonest()
        return None if soonest is None else self.connected_at(soonest.at_ms)

    def mark(self) -> bool:
        """Remember the small state; return whether it was not yet remembered."""
        if self._mark is not None:
            return False
        self._mark = (self.clock, dict(self.open), dict(self.attempts), self.due, self.judged)
        return True

    def drop(self) -> None:
        """Return to the remembered state."""
        if self._mark is None:
            return
        self.tally.drop()
        self.sites = Counter(key.site for key in self.tally.answers)
        for key, live in self._lived.items():
            (self.live.add if live else self.live.discard)(key)
        self.clock, self.open, self.attempts, self.due, self.judged = self._mark
        self._mark, self._lived = None, {}

    def apply(self) -> None:
        """Forget the remembered state."""
        self.tally.apply()
        self._mark, self._lived = None, {}

    def _count_site(self, key: DeviceKey, step: int) -> None:
        self.sites[key.site] += step
        if not self.sites[key.site]:
            del self.sites[key.site]


def clock_of(device: DeviceMemory) -> GroupClock:
    """Return what a device's last reading says about the time of its groups."""
    return GroupClock(device.started, min(device.event_ms, device.received_ms), -device.connected_ms)
