"""What a timeline entry says, as a sentence behind the name of who did it. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from iotops.console.words import entry_sentence

Data = Mapping[str, Any]


def story_of(entry: Mapping[str, Any]) -> str:
    """Return what happened: `assigned it to bo`; of a type not known here, its name and its data."""
    kind, told = str(entry["type"]), _STORIES.get(entry["type"])
    if told is not None:
        return told(entry["data"])
    rest = entry_sentence(entry)
    return kind.replace("_", " ") + (f": {rest}" if rest else "")


def author_of(entry: Mapping[str, Any]) -> str:
    """Return who did it, without the kind before the name: `token:ana` is `ana`."""
    return str(entry["actor"]).partition(":")[2] or str(entry["actor"])


def is_by_people(entry: Mapping[str, Any]) -> bool:
    """Say whether a person, or a script in a person's name, did it."""
    return not str(entry["actor"]).startswith("system:")


def _to(data: Data) -> str:
    whom = " and ".join(str(data[name]) for name in ("assignee", "team") if data.get(name))
    return f"assigned it to {whom}" if whom else "took it from whoever had it"


def _resolved(data: Data) -> str:
    verdict = {"real": "it was real", "false_alarm": "it was a false alarm"}.get(data.get("verdict") or "")
    parts = [str(each) for each in (data.get("code"), data.get("cause"), verdict) if each]
    return f"resolved it: {', '.join(parts)}" if parts else "resolved it"


def _edited(data: Data) -> str:
    changes = [
        f"{name} from {found.get('from') or 'none'} to {found.get('to') or 'none'}"
        for name, found in data.items()
        if isinstance(found, Mapping)
    ]
    return f"changed {', '.join(changes)}" if changes else "changed it"


def _with(text: str, *names: str, between: str = ": ") -> Callable[[Data], str]:
    """Return a teller of a text, followed by those of the members that are there."""

    def tell(data: Data) -> str:
        said = ", ".join(str(data[name]).replace("_", " ") for name in names if data.get(name))
        return f"{text}{between}{said}" if said else text

    return tell


def _step(text: str) -> Callable[[Data], str]:
    """Return a teller of something that went from one word to another."""

    def tell(data: Data) -> str:
        why = f" because {data['because']}" if data.get("because") else ""
        priority = f", priority {data['priority']}" if data.get("priority") else ""
        return f"{text} from {data.get('from')} to {data.get('to')}{priority}{why}"

    return tell


_STORIES: Mapping[str, Callable[[Data], str]] = {
    "raised": _with("raised it", "priority", "severity", between=" as "),
    "acknowledged": lambda _: "acknowledged it",
    "assigned": _to,
    "held": _with("put it on hold", "reason", "until"),
    "resumed": _with("resumed work", "reason"),
    "resolved": _resolved,
    "reopened": _with("reopened it", "reason"),
    "cancelled": _with("cancelled it", "reason", "duplicate_of"),
    "closed": lambda _: "closed it",
    "commented": lambda data: "wrote a public note" if data.get("visibility") == "public" else "wrote a work note",
    "edited": _edited,
    "severity_changed": _step("severity went"),
    "priority_changed": _step("priority went"),
    "merged": _with("merged it into another", "into"),
    "cause_marked": _with("holds a change for the cause", "change", "title"),
    "data_unknown": lambda _: "data stopped: nothing resolves by itself until it returns",
    "data_known": lambda _: "data is back",
    "cleared": lambda _: "every alert is clear: it resolves by itself if that lasts",
    "promised": _with("promised", "policy", between=" under policy "),
    "sla_near": _with("time is running out", "clock"),
    "sla_breached": _with("the promise is broken", "clock"),
    "suppression_began": _with("quiet time began", "kind", "reason"),
    "suppression_ended": _with("quiet time ended", "suppression"),
    "flapping": lambda data: "it comes and goes too often" if data.get("flapping") else "it has settled",
    "problem_linked": _with("belongs to a problem", "problem"),
}
"""Type of an entry -> how its data is told."""

FILTERS: Sequence[tuple[str, str]] = (("", "All"), ("people", "People"), ("notes", "Notes"))
"""What the timeline of a page can be narrowed to."""


def passes(entry: Mapping[str, Any], wanted: str) -> bool:
    """Say whether an entry is shown under one of `FILTERS`."""
    if wanted == "notes":
        return bool(entry["data"].get("text"))
    return wanted != "people" or is_by_people(entry)
