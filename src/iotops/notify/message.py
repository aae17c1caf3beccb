"""One message as channels get it: a line, a text for people, and JSON for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iotops.durations import format_instant
from iotops.store.notices import Notice
from iotops.wording import counted

_WORDS = {
    "raised": "raised",
    "escalated": "more pressing",
    "reassigned": "reassigned",
    "reopened": "reopened",
    "resolved": "resolved",
    "sla_near": "promise in danger",
    "sla_breached": "promise broken",
    "reminder": "still not acknowledged",
}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `key` is the same over all attempts; `subject` is one line without control characters."""

    key: str
    subject: str
    text: str
    payload: Mapping[str, Any]


def compose(notice: Notice, link: str | None = None) -> Message:
    """Return the message of a notice; `link`: where the console is, so that people can follow it."""
    lines = [_line(event, link) for event in notice.events]
    numbers = list(dict.fromkeys(event["incident"] for event in notice.events))
    subject = lines[0] if len(lines) == 1 else f"{counted(len(numbers), 'incident')}: {', '.join(numbers[:5])}"
    payload = {
        "type": "incidents.changed",
        "timestamp": format_instant(notice.created_ms),
        "data": {"route": notice.route, "events": [_shape(event, link) for event in notice.events]},
    }
    return Message(notice.key, _plain(subject)[:200], "\n".join(map(_plain, lines)), payload)


def trial_message(key: str, at_ms: int) -> Message:
    """Return a message that only says that it came through."""
    text = "iotops: this is a test, nothing is wrong"
    return Message(key, text, text, {"type": "test", "timestamp": format_instant(at_ms), "data": {"events": []}})


def _line(event: Mapping[str, Any], link: str | None) -> str:
    facts = event["facts"]
    place = "/".join(each for each in (facts["site"], facts["device"]) if each)
    where = f" at {place}" if place else ""
    owner = f", {facts['assignee'] or facts['team']}" if facts["assignee"] or facts["team"] else ""
    url = f" {_url(link, event)}" if link else ""
    word = _WORDS.get(event["event"], event["event"])
    return f"{facts['priority']} {word}: {facts['title']} ({event['incident']}{where}{owner}){url}"


def _shape(event: Mapping[str, Any], link: str | None) -> dict[str, Any]:
    facts = {name: value for name, value in event["facts"].items() if not name.endswith("_ms")}
    times = {
        f"{name}_at": None if event["facts"][f"{name}_ms"] is None else format_instant(event["facts"][f"{name}_ms"])
        for name in ("fired", "raised")
    }
    url = {"url": _url(link, event)} if link else {}
    return {
        "event": event["event"],
        "at": format_instant(event["at_ms"]),
        "incident": {"number": event["incident"], **facts, **times, **url},
    }


def _url(link: str | None, event: Mapping[str, Any]) -> str:
    return f"{(link or '').rstrip('/')}/incidents/{event['incident']}"


def _plain(text: str) -> str:
    """Return a text as one line: what devices sent must not make headers or further lines."""
    return "".join(each if each.isprintable() else " " for each in text)
