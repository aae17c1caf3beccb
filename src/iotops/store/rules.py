"""The rules as the ingest loaded them: what the API shows, with how they fare."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, select, update

from iotops.errors import NotFound
from iotops.rules.rule import Rule, RuleSet
from iotops.store.database import Unit
from iotops.store.tables import rule as table
from iotops.store.upsert import upsert

_FARING = ("error", "error_count", "last_fired_ms")  # outlive a reload


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """A rule as it runs.

    Attributes:
        state: `loaded`; `quarantined` after repeated errors; `error` while its newest evaluation failed; `removed`.
        source: its own lines of YAML.
        error, error_count: the newest evaluation error and how many there were.
    """

    id: str
    file: str
    line: int
    title: str
    source: str
    semantic_hash: str
    full_hash: str
    mode: str
    state: str
    error: str | None
    error_count: int
    loaded_ms: int
    last_fired_ms: int | None


def keep_loaded(unit: Unit, rule_set: RuleSet, now_ms: int) -> None:
    """Replace the set of loaded rules; those no longer in it stay as `removed`, for the incidents that name them."""
    unit.connection.execute(update(table).values(state="removed"))
    upsert(unit, table, [_row(rule, now_ms) for rule in rule_set.rules.values()], keep=_FARING)


def differences(unit: Unit, rule_set: RuleSet) -> dict[str, list[str]]:
    """Return how a set differs from the loaded one: `added`, `changed`, `removed` -> ids, where there are any."""
    statement = select(table.c.id, table.c.full_hash).where(table.c.state != "removed")
    before = {row.id: row.full_hash for row in unit.connection.execute(statement)}
    after = {rule.id: rule.full_hash for rule in rule_set.rules.values()}
    kept = before.keys() & after.keys()
    told = {
        "added": sorted(after.keys() - before.keys()),
        "changed": sorted(each for each in kept if before[each] != after[each]),
        "removed": sorted(before.keys() - after.keys()),
    }
    return {how: ids for how, ids in told.items() if ids}


def note_fired(unit: Unit, fired_ms: Mapping[str, int]) -> None:
    """Note when rules fired last: rule id -> event time."""
    if fired_ms:
        statement = update(table).where(table.c.id == bindparam("rule_id")).values(last_fired_ms=bindparam("at"))
        unit.connection.execute(statement, [{"rule_id": rule, "at": at} for rule, at in fired_ms.items()])


def note_error(unit: Unit, rule_id: str, error: str, *, quarantined: bool, count: int = 1) -> None:
    """Note that a rule raised while it was evaluated, `count` times since the last note."""
    unit.connection.execute(
        update(table)
        .where(table.c.id == rule_id)
        .values(state="quarantined" if quarantined else "error", error=error, error_count=table.c.error_count + count)
    )


def every(unit: Unit) -> list[LoadedRule]:
    """Return all rules that are not removed, by id."""
    rows = unit.connection.execute(select(table).where(table.c.state != "removed").order_by(table.c.id))
    return [LoadedRule(**row) for row in rows.mappings()]


def get(unit: Unit, rule_id: str) -> LoadedRule:
    """Return a rule, also one that is removed.

    Raises:
        NotFound: no rule ever had that id.
    """
    row = unit.connection.execute(select(table).where(table.c.id == rule_id)).mappings().one_or_none()
    if row is None:
        msg = f"rule {rule_id!r} is not loaded; `iotops rules check` says why a rule file was refused"
        raise NotFound(msg)
    return LoadedRule(**row)


def _row(rule: Rule, now_ms: int) -> dict[str, object]:
    return {
        "id": rule.id,
        "file": rule.position.file,
        "line": rule.position.line,
        "title": rule.summary.text if rule.summary else rule.id,
        "source": rule.source,
        "semantic_hash": rule.semantic_hash,
        "full_hash": rule.full_hash,
        "mode": rule.mode.value,
        "state": "loaded",
        "error": None,
        "loaded_ms": now_ms,
    }
