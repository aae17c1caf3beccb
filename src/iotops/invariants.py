"""What must hold whatever has happened, in seven lines, always the same ones; see docs/reliability.md.

From the ledger of publishers and the database, once everything has been received and everybody was told.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, func, select

from iotops.footprint import Footprint
from iotops.incidents.incident import OPEN, Incident
from iotops.ledger import Account, Published, StoredReading, balance
from iotops.notify.routes import LOG_ONLY, Notify
from iotops.rules.rule import Mode
from iotops.store import accounting, audit, dead_letters, deeds
from iotops.store.database import Unit
from iotops.store.incidents.intake import INGEST_DOWN
from iotops.store.incidents.rows import from_row
from iotops.store.tables import alert, incident, notice, outbox, rule
from iotops.telemetry.reading import DeviceKey

NAMES: Mapping[str, str] = {
    "I1": "acknowledged is stored or a dead letter",
    "I2": "nothing is stored and a dead letter",
    "I3": "each is stored once",
    "I4": "episodes and incidents are one to one",
    "I5": "each incident was told under one key",
    "I6": "the chains verify",
    "I7": "memory, threads and files are as before",
}
_NAMED = 5  # of what is wrong; the rest is counted


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the answers depend on beside ledger and database.

    Attributes:
        notify: who is to be told of what.
        told_since_ms: incidents raised before may have had notices that are pruned by now.
        footprints: what the ingest held at first and in the end; None where nobody knows.
        spare_threads: how many more of them are no growth: those of pools that were not full at first.
        episodes: (rule, instance) of each episode that was brought about, where that is known.
    """

    notify: Notify = LOG_ONLY
    told_since_ms: int = 0
    footprints: tuple[Footprint, Footprint] | None = None
    spare_threads: int = 2
    episodes: Collection[tuple[str, str]] | None = None


class Verdict(NamedTuple):
    """The account of messages, and I1 to I7 -> what is wrong: empty where it holds, None where nobody can know."""

    account: Account
    faults: Mapping[str, str | None]

    def lines(self) -> Iterator[str]:
        """Yield the seven lines."""
        for number, fault in self.faults.items():
            yield f"{number} {NAMES[number]}: {'not known' if fault is None else fault or 'holds'}"


def judge(unit: Unit, ledger: Sequence[Published], expected: Expectation) -> Verdict:
    """Return what holds and what does not, in one state of the database."""
    twice: list[str] = []
    account = _settled(unit, ledger, twice)
    raised = list(unit.connection.execute(select(incident).where(incident.c.alert_id.is_not(None))))
    chains = [str(fault) for fault in (audit.verify(unit), deeds.verify(unit)) if fault is not None]
    before, now = expected.footprints or (None, None)
    grown = before is not None and now is not None and before.outgrown(now, expected.spare_threads)
    faults: dict[str, str | None] = {
        "I1": _said(name for name in account.named if name.startswith("lost")) if account.lost else "",
        "I2": _said(_in_both(unit, ledger)),
        "I3": _said(twice),
        "I4": _said(_of_episodes(unit, raised, expected.episodes)),
        "I5": _said(_of_notices(unit, raised, expected)),
        "I6": _said(chains),
        "I7": None if before is None else f"{before} became {now}" if grown else "",
    }
    return Verdict(account, faults)


def _said(found: Iterable[str]) -> str:
    faults = list(found)
    more = [f"and {len(faults) - _NAMED} more"] if len(faults) > _NAMED else []
    return "; ".join(faults[:_NAMED] + more)


def _settled(unit: Unit, ledger: Iterable[Published], twice: list[str]) -> Account:
    """Account for the messages; name in `twice` what is stored more than once, whatever the ledger says."""
    found_of = accounting.stored_by_device(unit)

    def stored_of(key: DeviceKey) -> Iterator[StoredReading]:
        seen: set[bytes] = set()
        for each in found_of(key):
            if each.identity in seen:
                twice.append(f"{key} boot={each.boot} seq={each.seq} at={each.at_ms} is stored again")
            seen.add(each.identity)
            yield StoredReading(each.boot, each.seq, each.at_ms)

    return balance(ledger, stored_of, lambda digests: dead_letters.count_by_digest(unit, digests))


def _in_both(unit: Unit, ledger: Sequence[Published]) -> Iterator[str]:
    """Yield the messages that are stored although a dead letter has them, which was not sent again since."""
    dead = dead_letters.unsent_digests(unit)
    rows: dict[str, dict[object, Published]] = {}
    for row in ledger:
        if row.sha256 in dead:
            rows.setdefault(row.sha256, {})[row.key, row.identity] = row
    found_of = accounting.stored_by_device(unit) if rows else None
    for digest, messages in rows.items():
        stored = [row for row in messages.values() if found_of is not None and _is_stored(row, found_of(row.key))]
        if stored and len(stored) + dead[digest] > len(messages):
            yield f"{stored[0].key} boot={stored[0].boot} seq={stored[0].seq} sha256={digest[:12]}"


def _is_stored(row: Published, stored: Iterable[accounting.Stored]) -> bool:
    if row.boot and row.seq is not None:
        return any((each.boot, each.seq) == (row.boot, row.seq) for each in stored)
    return any(each.at_ms == row.ts for each in stored)


def _of_episodes(unit: Unit, raised: Sequence[Row[Any]], episodes: Collection[tuple[str, str]] | None) -> Iterator[str]:
    fired = unit.connection.execute(select(alert).where(alert.c.fired_ms.is_not(None))).all()
    live = set(unit.connection.execute(select(rule.c.id).where(rule.c.mode == Mode.LIVE.value)).scalars())
    for row in fired:
        explained = row.suppressed_by or row.silenced_by or row.cause or row.waits_ms is not None
        if row.incident_id is None and row.rule in live and not explained:
            yield f"{row.rule} fired on {row.instance} and has no incident"
    alerts = {row.id for row in fired} | {row.incident_id for row in fired}
    for row in raised:
        if (
            row.rule != INGEST_DOWN
            and row.merged_into is None
            and not alerts & {row.alert_id, row.id}
            and not row.outage
        ):
            yield f"{row.number} was raised by {row.rule} on {row.instance}, which did not fire"
    standing = Counter((row.rule, row.instance) for row in raised if row.state in _OPEN and row.merged_into is None)
    yield from (
        f"{name} on {where} has {count} open incidents" for (name, where), count in standing.items() if count > 1
    )
    if episodes is not None:
        rules = {name for name, _ in episodes}
        found = Counter((row.rule, row.instance) for row in fired if row.rule in rules)
        odd = (found - Counter(episodes)) + (Counter(episodes) - found)
        yield from (f"{name} on {where}: {found[name, where]} episodes" for name, where in odd)
        by = Counter((row.rule, row.instance) for row in raised if row.rule in rules)
        odd = (by - Counter(episodes)) + (Counter(episodes) - by)
        yield from (f"{name} on {where}: {by[name, where]} incidents" for name, where in odd)


def _of_notices(unit: Unit, raised: Sequence[Row[Any]], expected: Expectation) -> Iterator[str]:
    told: dict[str, Counter[tuple[str, str]]] = {}
    under_way = unit.connection.execute(select(func.count()).select_from(outbox)).scalar_one()
    for row in unit.connection.execute(select(notice)):
        if row.state == "failed":
            yield f"{row.key} to {row.channel} has failed: {row.error}"
        under_way += row.state not in {"delivered", "failed"}
        for event in row.events:
            if event["event"] == "raised":
                told.setdefault(event["incident"], Counter())[row.route, row.channel] += 1
    if under_way:
        yield f"{under_way} are on their way"
    for row in raised:
        found = told.get(row.number, Counter())
        if not found and _is_to_be_told(from_row(row), expected):
            yield f"nobody was told of {row.number}"
        yield from (f"{route} was told of {row.number} under {n} keys" for (route, _), n in found.items() if n > 1)


def _is_to_be_told(found: Incident, expected: Expectation) -> bool:
    if found.merged_into is not None or found.muted_by is not None or (found.raised_ms or 0) < expected.told_since_ms:
        return False
    return any(route.match.fits(found, "raised") for route in expected.notify.routes)


_OPEN = frozenset(state.value for state in OPEN)
