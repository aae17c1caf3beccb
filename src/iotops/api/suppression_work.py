"""What /suppressions needs beside its routes: who may do what, and how it is shown."""

from collections.abc import Callable, Mapping
from typing import Any

from iotops.api.access import Caller, Role
from iotops.api.context import Context
from iotops.api.preconditions import etag
from iotops.api.problems import Problem
from iotops.api.suppression_shapes import SuppressionShape, refusal, shaped
from iotops.errors import OutOfSight
from iotops.store import suppressions
from iotops.store.database import Unit
from iotops.store.suppressions import Kept

_OPERATORS_MS = 86_400_000  # a silence up to a day is an operator's; what lasts longer, or comes back, an author's


def ended(kept: Kept, now_ms: int) -> dict[str, Any]:
    """Return the columns that end a suppression now; none where it is ended."""
    return {} if kept.suppression.ended_ms is not None else {"ended_ms": now_ms}


def change(
    context: Context, caller: Caller, name: str, said: Callable[[Kept], Mapping[str, Any]], expected: int | None
) -> SuppressionShape:
    """Change what `said` makes of a suppression that the caller may change; a transaction of its own."""
    return context.write(lambda unit: change_in(unit, context, caller, name, said, expected=expected))


def change_in(
    unit: Unit,
    context: Context,
    caller: Caller,
    name: str,
    said: Callable[[Kept], Mapping[str, Any]],
    *,
    expected: int | None,
) -> SuppressionShape:
    """Change what `said` makes of a suppression that the caller may change."""
    before = visible(unit, caller, name, lock=True)
    must_be_allowed(caller, before.said)
    columns = said(before)
    if not columns.keys() & {"ended_ms", "removed_ms"}:
        must_be_allowed(caller, {**before.said, **columns})
    after = tried(lambda: suppressions.write(unit, before, columns, context.now_ms(), expected=expected))
    return shaper(unit, context, caller, [after])(after)


def must_be_allowed(caller: Caller, said: Mapping[str, Any]) -> None:
    """Refuse what the caller may not do, or what nobody may.

    Raises:
        Problem: forbidden, for another site or for so long; validation_failed.
    """
    if caller.site is not None and tuple(said["matcher"].get("sites", ())) != (caller.site,):
        detail = f"the token is for site {caller.site!r} only; say matcher.sites [{caller.site!r}]"
        raise Problem("forbidden", detail)
    why = refusal(said)
    if why is not None:
        raise Problem("validation_failed", why, errors=[{"place": "body.ends_at", "detail": why}])
    lasts_ms = None if said["ends_ms"] is None else said["ends_ms"] - said["starts_ms"]
    is_short = (said["until_cleared"] if lasts_ms is None else lasts_ms <= _OPERATORS_MS) and said["rrule"] is None
    if caller.role < Role.AUTHOR and not (said["kind"] == "silence" and is_short):
        detail = "an operator may silence for up to 24 hours, or until all is clear; the rest needs the role author"
        raise Problem("forbidden", detail, required_role=Role.AUTHOR.word)


def tried(work: Callable[[], Kept]) -> Kept:
    """Do work; what cannot be is answered as a body that is not acceptable."""
    try:
        return work()
    except ValueError as error:
        place = "body.rrule" if "rrule" in str(error) else "body.ends_at"
        raise Problem("validation_failed", str(error), errors=[{"place": place, "detail": str(error)}]) from error


def visible(unit: Unit, caller: Caller, name: str, *, lock: bool = False) -> Kept:
    """Return a suppression that exists for the caller."""
    kept = suppressions.get(unit, name, lock=lock)
    if not sees(caller, kept):
        msg = f"suppression {name!r} does not exist; ids look like SUP-000001"
        raise OutOfSight(msg)
    return kept


def sees(caller: Caller, kept: Kept) -> bool:
    """Tell whether it may touch what the caller sees, and names nothing of another site."""
    matcher = kept.suppression.matcher
    ours = all(device.startswith(f"{caller.site}/") for device in matcher.devices)
    return caller.site is None or (not matcher.sites and ours) or matcher.sites == (caller.site,)


def sites_of(caller: Caller) -> tuple[str, ...]:
    """Return the sites whose devices the caller sees; empty: all."""
    return () if caller.site is None else (caller.site,)


def shaper(unit: Unit, context: Context, caller: Caller, found: list[Kept]) -> Callable[[Kept], SuppressionShape]:
    """Return how each of these suppressions is shown to the caller; their devices are counted once."""
    devices = suppressions.matched(unit, [each.suppression for each in found], sites_of(caller))
    return lambda each: shaped(each, len(devices[each.suppression.id]), context.now_ms())


def suppression_headers(body: Mapping[str, Any]) -> dict[str, str]:
    """Return what goes with a suppression: its ETag, and where it is."""
    return {"ETag": etag(body["version"]), "Location": f"/api/v1/suppressions/{body['id']}"}
