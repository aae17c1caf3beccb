"""Times in which alerts raise nothing: maintenance that was planned, and silences that somebody asked for."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from iotops.incidents.recurrence import Windows
from iotops.rules.matching import matches
from iotops.telemetry.reading import DeviceKey

KINDS = ("maintenance", "silence")


class Subject(NamedTuple):
    """What a suppression may be about: a device or a group with its labels, and the rule that speaks of it."""

    labels: Mapping[str, str]
    rule: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Matcher:
    """Whom a suppression is about: everything said must hold, one of the values each; empty says nothing.

    Attributes:
        labels: label -> values, `*` and `?` stand for any text and any character, as in a rule's `match`.
        devices: `site/device`.
    """

    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()

    def fits(self, subject: Subject) -> bool:
        """Tell whether a subject is meant."""
        return (not self.rules or subject.rule in self.rules) and self.fits_device(subject)

    def fits_device(self, subject: Subject) -> bool:
        """Tell whether a subject is meant, whatever rule speaks of it."""
        labels = subject.labels
        name = f"{labels.get('site', '')}/{labels.get('device', '')}"
        return (
            (not self.sites or labels.get("site") in self.sites)
            and (not self.services or subject.service in self.services)
            and (not self.devices or name in self.devices)
            and matches(self.labels, labels)
        )


@dataclass(frozen=True, slots=True)
class Suppression:
    """One suppression.

    Attributes:
        id: `SUP-000001`.
        kind: one of `KINDS`.
        windows: when it applies.
        until_cleared: it ends by itself when what it holds back has cleared.
        ended_ms: it was ended by hand, or because all was clear; from then on it applies no more.
    """

    id: str
    kind: str
    matcher: Matcher
    windows: Windows
    until_cleared: bool = False
    reason: str = ""
    owner: str = ""
    ended_ms: int | None = None

    def applies(self, at_ms: int) -> bool:
        """Tell whether it is in effect at an instant."""
        return (self.ended_ms is None or at_ms < self.ended_ms) and self.windows.covers(at_ms)


@dataclass(frozen=True, slots=True)
class Suppressions:
    """All that may be in effect, by id."""

    by_id: Mapping[str, Suppression] = field(default_factory=dict)

    def of(self, subjects: Collection[Subject], at_ms: int) -> Suppression | None:
        """Return the first that is about one of the subjects and in effect at an instant."""
        return next(self._in_effect(subjects, at_ms), None)

    def _in_effect(self, subjects: Collection[Subject], at_ms: int) -> Iterator[Suppression]:
        for each in self.by_id.values():
            if any(each.matcher.fits(subject) for subject in subjects) and each.applies(at_ms):
                yield each


def subject_of(
    key: DeviceKey, labels: Mapping[str, str], rule: str | None = None, service: str | None = None
) -> Subject:
    """Return a device as suppressions look at it."""
    whole = {"name": key.device, **labels, "site": key.site, "device": key.device}
    return Subject(whole, rule, service or labels.get("service"))
