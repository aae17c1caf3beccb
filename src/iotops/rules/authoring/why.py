"""An explanation for people, line by line, and for programs."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from iotops.durations import format_duration, format_instant
from iotops.rules.authoring.explanation import INACTIVE, NOT_WATCHED, Branch, Clock, Coming, Explanation, Line
from iotops.rules.authoring.outlook import STAYS
from iotops.wording import counted

_FIRES = ("fired", "escalated", "refired", "unsuppressed")
_VERBS = {
    "fired": "fires", "escalated": "escalates to", "eased": "eases to", "resolved": "resolves", "ended": "ends",
    "pending": "becomes pending", "recovering": "begins to recover", "refired": "fires again",
    "unknown": "loses its data", "known": "has data again", "suppressed": "is suppressed",
    "unsuppressed": "is free again",
}  # fmt: skip
_WITH_SEVERITY = ("fired", "escalated", "eased")
_WIDTH = 34


def as_lines(found: Explanation) -> list[str]:
    """Return an explanation for people: what holds first, then why, then what is in the way."""
    told = _Teller(found.at_ms)
    clocks = {clock.role: clock for clock in found.clocks}
    lines = [headline(found)]
    for branch in found.branches:
        lines += told.branch(branch, clocks.get(branch.role))
    if "keep_firing_for" in clocks:
        clock = clocks["keep_firing_for"]
        lines.append(_row("keep_firing_for", _progress(clock, found.judged_ms), f"ends {told.time(clock.due_ms)}"))
    lines += [_row("last reset", told.reset(clock), "") for clock in found.clocks[:1] if clock.reset]
    for word, sentence in found.blocks:
        lines.append(_row("because" if word == "known-false" else "blocked by", sentence, ""))
    lines += [_row("next", told.coming(coming), "") for coming in found.coming]
    return lines + [_row("note", note, "") for note in (*_waits(found), *found.notes)]


def headline(found: Explanation) -> str:
    """Return in one line how the instance stands and when the rule fires next."""
    if found.state == NOT_WATCHED:
        return f"NOT WATCHED: {found.rule} is not about {found.instance}"
    told = _Teller(found.at_ms)
    parts = ["NOT FIRING" if found.state == INACTIVE else f"{found.state.upper()} {found.severity}"]
    running = [clock for clock in found.clocks if clock.role == found.severity]
    if found.state == "pending" and running:
        parts.append(_progress(running[0], found.judged_ms))
    elif found.fired_ms is not None:
        parts.append(f"since {told.time(found.fired_ms)}")
    if not found.data_known:
        parts.append("(data unknown)")
    return " ".join(parts) + _arrow(found)


def as_members(found: Explanation) -> dict[str, Any]:
    """Return an explanation as JSON-able members; instants in RFC 3339, durations as people write them."""
    at = found.position
    return {
        "rule": found.rule,
        "instance": found.instance,
        "at": format_instant(found.at_ms),
        "headline": headline(found),
        "state": found.state.replace(" ", "_"),
        "severity": found.severity or None,
        "data": "known" if found.data_known else "unknown",
        "fired_at": None if found.fired_ms is None else format_instant(found.fired_ms),
        "file": at.file if at is not None else None,
        "line": at.line if at is not None else None,
        "conditions": [_condition(branch) for branch in found.branches],
        "clocks": [_clock(clock) for clock in found.clocks],
        "blocks": [{"code": word, "message": sentence} for word, sentence in found.blocks],
        "next": [_coming(coming) for coming in found.coming],
        "notes": [*_waits(found), *found.notes],
    }


def _waits(found: Explanation) -> Iterator[str]:
    """Yield as of when a rule is judged that waits for samples that come late."""
    if found.lateness_ms:
        behind = format_duration(found.lateness_ms)
        as_of = format_instant(found.judged_ms)
        yield f"judged as of {as_of}: lateness is {behind}, and alerts are raised that much after they fire"


def _condition(branch: Branch) -> dict[str, Any]:
    lines = [{name: value for name, value in asdict(line).items() if name != "leaf"} for line in branch.lines]
    return {
        "role": branch.role,
        "text": branch.text,
        "value": branch.truth,
        "file": branch.position.file,
        "line": branch.position.line,
        "parts": lines,
    }


def _clock(clock: Clock) -> dict[str, Any]:
    reset: Mapping[str, Any] | None = None
    if clock.reset is not None:
        metric, at_ms, value = clock.reset
        reset = {"metric": metric, "at": format_instant(at_ms), "value": value}
    return {
        "role": clock.role,
        "since": format_instant(clock.since_ms),
        "for": format_duration(clock.length_ms),
        "due": format_instant(clock.due_ms),
        "samples": clock.samples,
        "reset_by": reset,
    }


def _coming(coming: Coming) -> dict[str, Any]:
    return {
        "if": coming.supposed.replace(" ", "_"),
        "at": format_instant(coming.at_ms),
        "change": coming.change,
        "severity": coming.severity,
        "reason": coming.reason or None,
    }


def _arrow(found: Explanation) -> str:
    """Return when the rule fires next, or what becomes of the alert, while values stay."""
    told = _Teller(found.at_ms)
    if found.state in ("firing", "recovering"):
        first = next((coming for coming in found.coming if coming.supposed == STAYS), None)
        return f" → {told.change(first)} if values stay" if first else " → stays so while values stay"
    for coming in found.coming:
        if coming.change in _FIRES:
            return f" → fires {told.time(coming.at_ms)} {_supposition(found, coming)}"
    return " → does not fire while values stay as they are"


def _supposition(found: Explanation, coming: Coming) -> str:
    if coming.supposed != STAYS:
        return "if nothing is heard until then"
    text = next((branch.text for branch in found.branches if branch.role == coming.severity and branch.truth), "")
    return f"if {text} stays true" if text else "if values stay"


class _Teller:
    """Words for what belongs to one instant; times of the same day stand without their date."""

    def __init__(self, at_ms: int) -> None:
        self._day = format_instant(at_ms)[:11]

    def time(self, at_ms: int) -> str:
        return format_instant(at_ms).removeprefix(self._day)

    def coming(self, coming: Coming) -> str:
        supposed = "if values stay" if coming.supposed == STAYS else "if nothing comes any more"
        return f"{self.change(coming)} {supposed}"

    def change(self, coming: Coming) -> str:
        severity = f" {coming.severity}" if coming.change in _WITH_SEVERITY else ""
        reason = f" ({coming.reason})" if coming.reason else ""
        return f"{_VERBS[coming.change]}{severity} {self.time(coming.at_ms)}{reason}"

    def reset(self, clock: Clock) -> str:
        metric, at_ms, value = clock.reset or ("", 0, None)
        return f"{self.time(clock.since_ms)} ← {self.time(at_ms)} {metric} = {value}"

    def branch(self, branch: Branch, clock: Clock | None) -> Iterator[str]:
        """Yield a condition with its place, and below it the parts that its line does not show."""
        at, whole = branch.position, branch.lines[:1]
        truth = plain = {True: "true", False: "false", None: "unknown"}[branch.truth]
        if clock is not None:
            samples = f" ({counted(clock.samples, 'sample')})" if clock.samples else ""
            truth = f"{truth} since {self.time(clock.since_ms)}{samples}"
        said = " ".join(
            [
                *(line.shown for line in whole if line.shown != plain),
                truth,
                *(f"({line.note})" for line in whole if line.note),
            ]
        )
        yield _row(branch.role, branch.text, f"{said}    {at.file}:{at.line}")
        for line in branch.lines[1:]:
            if not line.leaf:
                yield _row("", f"{'  ' * line.depth}{line.text}", _valued(line))


def _valued(line: Line) -> str:
    truth = str(line.value).lower() if isinstance(line.value, bool) else "unknown" if line.value is None else ""
    note = f"({line.note})" if line.note else ""
    return " ".join(part for part in (line.shown, truth if truth != line.shown else "", note) if part)


def _progress(clock: Clock, at_ms: int) -> str:
    return f"{format_duration(max(0, at_ms - clock.since_ms))} of {format_duration(clock.length_ms)}"


def _row(head: str, body: str, tail: str) -> str:
    return f"  {head:<16} {body:<{_WIDTH}} {tail}".rstrip()
