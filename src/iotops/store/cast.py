"""Whose readings an explanation needs: the devices of an instance, and those of all that its rule asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from iotops.rules.alert import AlertKey
from iotops.rules.anomaly import KEPT, SLOTS
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceFacts
from iotops.rules.group import GroupKey
from iotops.rules.instances import instance_of
from iotops.rules.links import Labels, linked, values_of
from iotops.telemetry.reading import DeviceKey

Place = DeviceKey | GroupKey
"""Where an instance of a rule is: on a device, or on a group of that rule."""

Cause = tuple[str, str | None]
"""A rule that is asked for, and the label that names the device, None for here."""

_SEASONS: Final = KEPT // SLOTS  # that `anomaly()` remembers


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays a part in what is explained.

    Attributes:
        members: the device of the instance, or the devices of its group; none where there is no such instance.
        devices: these, and all that the rule asks for.
        groups: the instances that are groups among what is asked for.
        spans_ms: how far back the rules look, together: windows, seasons, steps, holds and waits.
    """

    members: tuple[DeviceKey, ...]
    devices: tuple[DeviceKey, ...]
    groups: frozenset[AlertKey]
    spans_ms: int


def cast_of(program: Program, known: Mapping[DeviceKey, DeviceFacts], key: AlertKey) -> Cast:
    """Return who plays a part in an instance, of all devices that are known."""
    casting = _Casting(program, known)
    place = casting.place_of(key)
    members = () if place is None else casting.members(key.rule, place)
    if place is not None:
        casting.follow(key.rule, place)
    return Cast(members, tuple(casting.devices), frozenset(casting.groups), sum(casting.spans_ms.values()))


class _Casting:
    """Goes from rule to rule, along `firing()` and the questions to groups, and notes whom it meets."""

    def __init__(self, program: Program, known: Mapping[DeviceKey, DeviceFacts]) -> None:
        self.devices: dict[DeviceKey, None] = {}
        self.groups: set[AlertKey] = set()
        self.spans_ms: dict[str, int] = {}
        self._program = program
        self._known = known
        self._seen: set[tuple[str, Place]] = set()

    def place_of(self, key: AlertKey) -> Place | None:
        """Return where an instance is, None where that is no device, and no group of any."""
        labels = self._program.per.get(key.rule)
        if labels is None:
            found = DeviceKey(*key.instance.split("/", 1)) if "/" in key.instance else None
            return found if found in self._known else None
        every = (values_of(labels, facts.labels) for facts in self._known.values())
        for values in dict.fromkeys(every):
            if values is not None and instance_of(labels, values) == key.instance:
                return GroupKey(key.rule, labels, values)
        return None

    def members(self, rule: str, place: Place) -> tuple[DeviceKey, ...]:
        """Return the device, or the devices of a group that a rule is about."""
        return self._sharing(rule, place.labels, place.values) if isinstance(place, GroupKey) else (place,)

    def follow(self, rule: str, place: Place) -> None:
        """Note the devices of an instance, and those of everything that it asks for."""
        pending = [(rule, place)]
        while pending:
            asked = pending.pop()
            if asked not in self._seen:
                self._seen.add(asked)
                pending += self._meet(*asked)

    def _meet(self, rule: str, place: Place) -> list[tuple[str, Place]]:
        members = self.members(rule, place)
        self.devices.update(dict.fromkeys(members))
        if isinstance(place, GroupKey):
            self.groups.add(AlertKey(rule, instance_of(place.labels, place.values)))
        variants = [found for key in members if (found := self._rule_of(rule, key)) is not None]
        if not variants:
            return []
        self.spans_ms[rule] = max(map(_spans_ms, variants))
        causes: list[tuple[Place, Cause]] = [(place, cause) for cause in variants[0].notes.causes]
        for survey in variants[0].surveys:
            values = values_of(survey.labels, self._labels(place))
            others = () if values is None else self._sharing(rule, survey.labels, values)
            self.devices.update(dict.fromkeys(others))
            asked = {cause for question in survey.questions for cause in question.notes.causes}
            causes += [(other, cause) for other in others for cause in asked]
        asked_for = [(cause, self._asked(origin, cause, label)) for origin, (cause, label) in causes]
        return [(cause, found) for cause, found in asked_for if found is not None]

    def _asked(self, origin: Place, cause: str, label: str | None) -> Place | None:
        """Return the instance of a cause that `firing()` means."""
        place: Place | None = origin
        if label is not None:
            place = linked(self._site(origin), self._labels(origin), label)
        if place is None or (isinstance(place, DeviceKey) and place not in self._known):
            return None
        labels = self._program.per.get(cause)
        if labels is None:
            return place if isinstance(place, DeviceKey) else None
        values = values_of(labels, self._labels(place))
        return None if values is None else GroupKey(cause, labels, values)

    def _site(self, place: Place) -> str:
        """Return the site of a device, or of all devices of a group; "" where they are of several."""
        sites = {key.site for key in self.members(place.rule, place)} if isinstance(place, GroupKey) else {place.site}
        return sites.pop() if len(sites) == 1 else ""

    def _labels(self, place: Place) -> Mapping[str, str]:
        if isinstance(place, GroupKey):
            return dict(zip(place.labels, place.values, strict=True))
        return self._known[place].labels

    def _sharing(self, rule: str, labels: Labels, values: tuple[str, ...]) -> tuple[DeviceKey, ...]:
        """Return the devices with these values of labels that a rule is about."""
        return tuple(
            key
            for key, facts in self._known.items()
            if values_of(labels, facts.labels) == values and self._rule_of(rule, key) is not None
        )

    def _rule_of(self, rule: str, key: DeviceKey) -> CompiledRule | None:
        return self._program.plan_of(self._known[key]).by_id.get(rule)


def _spans_ms(rule: CompiledRule) -> int:
    read = (rule.notes, *rule.asked)
    spans_ms = max((span_ms for notes in read for span_ms in notes.spans_ms.values()), default=0)
    season_ms = max((each for notes in read for seasons in notes.seasons.values() for each in seasons), default=0)
    steps = rule.rule.sequence.steps if rule.rule.sequence is not None else ()
    spans_ms += sum(step.within_ms or 0 for step in steps)
    holds_ms = max(rule.machine.hold_ms, default=0) + rule.machine.keep_ms
    return 2 * spans_ms + _SEASONS * season_ms + holds_ms + rule.lateness_ms
