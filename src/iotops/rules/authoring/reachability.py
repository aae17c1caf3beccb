"""Findings about conditions that can never hold, always hold, or hide one another."""

from collections.abc import Iterator, Mapping
from functools import reduce
from itertools import pairwise

from iotops.rules.authoring.regions import Region, Setting, region
from iotops.rules.authoring.spans import Spans
from iotops.rules.rule import MetricSpec, Severity
from iotops.rules.source.drafts import Draft

_Regions = Mapping[Severity, Region | None]
"""Tier -> where its condition holds, None where that cannot be told."""


def check_reachability(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> None:
    """Log tiers that cannot be seen, and recoveries that cannot happen or change nothing.

    Only conditions about a single quantity are judged, for the rule's parameters and for each override on its own;
    the first setting that shows a fault is the one reported.
    """
    for setting, whose in _settings(draft, catalogue):
        before = len(draft.log.findings)
        when = {severity: region(written.expression.root, setting) for severity, written in draft.when.items()}
        _check_single(draft, when, whose)
        _check_tiers(draft, when, whose)
        _check_until(draft, when, setting, whose)
        _check_unless(draft, when, setting, whose)
        if len(draft.log.findings) > before:
            return


def _settings(draft: Draft, catalogue: Mapping[str, MetricSpec]) -> Iterator[tuple[Setting, str]]:
    params = draft.found.get("params", {})
    yield Setting(params, catalogue), ""
    for override in draft.found.get("overrides", ()):
        whose = ", ".join(f"{label} {' or '.join(values)}" for label, values in override.match.items())
        yield Setting({**params, **override.params}, catalogue), f" for {whose or 'every device'}"


def _check_single(draft: Draft, when: _Regions, whose: str) -> None:
    for severity, written in draft.when.items():
        found = when[severity]
        if found is None:
            continue
        if not found.holds:
            hint = "compare with values that can occur, see `valid` in the catalogue"
            written.say("error", written.expression.root, "never-true", f"this can never be true{whose}", hint=hint)
        elif found.possible <= found.holds:
            hint = "the alert would never end"
            written.say("warning", written.expression.root, "always-true", f"this is always true{whose}", hint=hint)


def _check_tiers(draft: Draft, when: _Regions, whose: str) -> None:
    tiers = [(severity, written, when[severity]) for severity, written in draft.when.items()]
    for (low, below, low_region), (high, above, high_region) in pairwise(tiers):
        if not _same_quantity(low_region, high_region) or low_region is None or high_region is None:
            continue
        if low_region.holds and low_region.holds <= high_region.holds and _hold(draft, high) <= _hold(draft, low):
            message = (
                f'"{high.word}" ({above.expression.text}) is true whenever "{low.word}" ({below.expression.text}) is'
                f"{whose}; {low.word} can never be seen"
            )
            above.say("warning", above.expression.root, "unreachable-tier", message)


def _check_until(draft: Draft, when: _Regions, setting: Setting, whose: str) -> None:
    for severity, written in draft.until.items():
        raised = _raised(when, severity)
        found = region(written.expression.root, setting)
        if found is None or raised is None or not _same_quantity(found, raised) or not raised.holds:
            continue
        root = written.expression.root
        if not found.holds & ~raised.holds:
            message = f"this never holds while `when` is false{whose}, and an alert ends only where both do"
            written.say("error", root, "until-never-holds", message, hint="leave a gap: raise above 8, recover below 6")
        elif found.holds & raised.holds:
            message = f"this overlaps `when`{whose}: where both hold the alert goes on, as if there were no `until`"
            written.say("warning", root, "until-overlaps", message, hint="leave a gap: raise above 8, recover below 6")


def _check_unless(draft: Draft, when: _Regions, setting: Setting, whose: str) -> None:
    found = region(draft.unless.expression.root, setting) if draft.unless else None
    raised = _raised(when, None)
    if draft.unless is None or found is None or raised is None or not _same_quantity(found, raised):
        return
    if raised.holds and raised.holds <= found.holds:
        message = f"this holds wherever `when` does{whose}: nothing would ever be raised"
        draft.unless.say("error", draft.unless.expression.root, "always-suppressed", message, hint="name another cause")


def _raised(when: _Regions, severity: Severity | None) -> Region | None:
    """Return where the tier (None: any tier) holds."""
    regions = [found for tier, found in when.items() if severity in (None, tier)]
    known = [found for found in regions if found is not None]
    if not known or len(known) < len(regions) or len({found.quantity for found in known}) > 1:
        return None
    holds = reduce(Spans.__or__, (found.holds for found in known))
    return Region(known[0].quantity, known[0].node, holds, known[0].possible)


def _same_quantity(one: Region | None, other: Region | None) -> bool:
    return one is not None and other is not None and one.quantity == other.quantity


def _hold(draft: Draft, severity: Severity) -> int:
    holds: Mapping[Severity | None, int] = draft.found.get("for", {})
    return holds.get(severity, holds.get(None, 0))
