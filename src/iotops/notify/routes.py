"""Who is told of what: routes and channels, as `notify.yaml` beside the rule files says them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from iotops.clock import utc
from iotops.durations import parse_duration
from iotops.incidents.incident import Incident
from iotops.notify.channels import Channel
from iotops.notify.channels.logline import LogLine
from iotops.rules.calendar import read_timezone, read_week

Event = Literal["raised", "escalated", "reassigned", "reopened", "resolved", "sla_near", "sla_breached", "reminder"]
Priority = Literal["P1", "P2", "P3", "P4", "P5"]


def _duration(found: object) -> object:
    return parse_duration(found) if isinstance(found, str) else found


Milliseconds = Annotated[int, BeforeValidator(_duration), Field(ge=0, le=30 * 86_400_000)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Match(_Section):
    """Which incidents and events; everything said must hold, empty says nothing."""

    teams: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    priorities: tuple[Priority, ...] = ()
    events: tuple[Event, ...] = ()

    def fits(self, found: Incident, event: str) -> bool:
        """Tell whether an event of an incident is meant."""
        return (
            (not self.teams or found.team in self.teams)
            and (not self.services or found.service in self.services)
            and (not self.sites or found.site in self.sites)
            and (not self.priorities or found.priority in self.priorities)
            and (not self.events or event in self.events)
        )


def _hours(found: dict[str, str]) -> dict[str, str]:
    read_week(found)
    return found


class Quiet(_Section):
    """Hours in which messages wait; `floor` and what is more pressing pass."""

    hours: Annotated[dict[str, str], AfterValidator(_hours)]
    timezone: Annotated[str, AfterValidator(read_timezone)] = "UTC"
    floor: Priority = "P1"

    def until_ms(self, at_ms: int, priority: str) -> int:
        """Return when something of a priority may be told: at once, or when the quiet hours are over."""
        local = utc(at_ms).astimezone(ZoneInfo(self.timezone))
        if priority <= self.floor:
            return at_ms
        week, minute = read_week(self.hours), local.replace(second=0, microsecond=0)
        for _ in range(8):  # spans of one day after the other, as far as they join
            now = minute.hour * 60 + minute.minute
            ends = next((end for begin, end in week[minute.weekday()] if begin <= now < end), None)
            if ends is None:
                break
            midnight = datetime(minute.year, minute.month, minute.day)  # noqa: DTZ001  local, made aware below
            minute = (midnight + timedelta(minutes=ends)).replace(tzinfo=ZoneInfo(self.timezone))
        ended_ms = int(minute.timestamp() * 1000)
        return max(at_ms, ended_ms)


class Route(_Section):
    """What goes where: every route that fits gets its own message."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
    match: Match = Match()
    channels: Annotated[tuple[str, ...], Field(min_length=1)]
    group: Milliseconds = 30_000
    repeat: Annotated[Milliseconds, Field(ge=60_000)] | None = None
    quiet: Quiet | None = None

    def due_ms(self, now_ms: int, priority: str) -> int:
        """Return when a message that begins now is sent, if nothing holds it."""
        ready_ms = now_ms + self.group
        return ready_ms if self.quiet is None else self.quiet.until_ms(ready_ms, priority)

    def may_join(self, sent_ms: int, now_ms: int, priority: str) -> bool:
        """Tell whether something of a priority goes with a message that is sent then: not later than by itself.

        Nor earlier than quiet hours let it.
        """
        by_itself_ms = self.due_ms(now_ms, priority)
        return sent_ms <= by_itself_ms and (self.quiet is None or self.quiet.until_ms(sent_ms, priority) <= sent_ms)


class Retry(_Section):
    """How often an attempt is made and how long is waited: `first`, doubled each time up to `most`."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 12
    first: Milliseconds = 5_000
    most: Milliseconds = 1_800_000


class Notify(_Section):
    """All of `notify.yaml`."""

    channels: Annotated[Mapping[str, Channel], Field(min_length=1)]
    routes: tuple[Route, ...]
    retry: Retry = Retry()
    link: Annotated[str, Field(pattern=r"^https?://")] | None = None

    @model_validator(mode="after")
    def _known_channels(self) -> "Notify":
        for route in self.routes:
            for name in route.channels:
                if name not in self.channels:
                    msg = f"route {route.name}: there is no channel {name!r}, only {', '.join(self.channels)}"
                    raise ValueError(msg)
        if len({route.name for route in self.routes}) < len(self.routes):
            msg = "routes: two have the same name"
            raise ValueError(msg)
        return self


LOG_ONLY = Notify(channels={"log": LogLine()}, routes=(Route(name="log", channels=("log",), group=0),))
"""What counts where there is no file: everything goes to the log."""
