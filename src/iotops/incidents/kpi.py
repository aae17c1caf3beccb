"""The figures that people steer by, each with the definition that is printed beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NOISE_MS = 300_000
"""An alert that clears faster, and on which nobody acted, is noise."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One figure.

    Attributes:
        unit: ms (a mean duration), share (0 to 1) or count.
        definition: what is divided by what, and what is left out.
    """

    name: str
    title: str
    unit: str
    definition: str


KPIS: Mapping[str, Kpi] = MappingProxyType(
    {
        kpi.name: kpi
        for kpi in (
            Kpi(
                "mtta",
                "Time to acknowledge",
                "ms",
                "acknowledged less raised, of the incidents raised in the period that somebody acknowledged; those "
                "that the system resolved first are left out",
            ),
            Kpi(
                "mttr",
                "Time to resolve",
                "ms",
                "resolved less raised by the clock on the wall, of the incidents resolved in the period; one that was "
                "reopened counts to when it was resolved last",
            ),
            Kpi(
                "mttr_business",
                "Time to resolve, business time",
                "ms",
                "what the resolve clock used, which is time of its policy's calendar without the holds of the policy, "
                "of the incidents resolved in the period that were promised something",
            ),
            Kpi(
                "mtbf",
                "Time between failures",
                "ms",
                "time that active devices were known in the period, less the time that incidents of theirs were open "
                "and that of planned maintenance of theirs, divided by the incidents of devices raised in it; of "
                "services: the period for each service, less maintenance that names it; cancelled incidents, false "
                "alarms and what was raised during such maintenance are left out",
            ),
            Kpi(
                "volume", "Incidents raised", "count", "incidents raised in the period, in whatever state they are now"
            ),
            Kpi(
                "backlog",
                "Backlog",
                "count",
                "incidents that were new, in progress or on hold at the end of the period, as the timeline tells; "
                "mean, median and p90 are their age then",
            ),
            *(
                Kpi(
                    f"sla_{kind}",
                    f"Kept: {title}",
                    "share",
                    f"{kind} clocks that stopped in time, of those that stopped in time or were breached in the "
                    "period; each counts once, when that was decided; cancelled ones are left out",
                )
                for kind, title in (("respond", "respond"), ("resolve", "resolve"), ("supplier", "supplier's promise"))
            ),
            Kpi(
                "reopened",
                "Reopened",
                "share",
                "resolutions that were taken back, then or later, of those in the period",
            ),
            Kpi(
                "noise",
                "Noise",
                "share",
                "alerts that cleared within 5 minutes and on whose incident no person acted, of the alerts of "
                "incidents that fired in the period",
            ),
            Kpi(
                "false_alarms",
                "False alarms",
                "share",
                "incidents with the verdict false alarm, of those resolved in the period with a verdict",
            ),
        )
    }
)
"""Name -> figure, in the order in which they are shown."""

GROUPS = ("service", "site", "supplier", "rule", "priority", "team", "device", "day", "age")
"""What figures can be told by; a day is one of UTC, a device is SITE/DEVICE, an age is one of the backlog."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure over a period, or a group of it; None where there was nothing to count.

    Attributes:
        value: the mean duration, the share, or the count.
        n: what it was computed from: incidents, clocks or alerts.
        mean, median, p90: of durations, in milliseconds: the middle (of two: their mean), and the smallest one that is
            not exceeded by nine of ten.
    """

    value: float | None
    n: int
    mean: float | None = None
    median: float | None = None
    p90: float | None = None
