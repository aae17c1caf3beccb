"""Nothing is lost and nothing counts twice when processes are killed; alerts are those of an undisturbed run."""

import json
import logging
import os
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from corpus import DEVICES, OF_NUMBERS, OF_SILENCE, PATIENT, ROUND_MS, RULES, START_MS
from fleet import WINDOW, Fleet, Publisher
from soaked import record
from sqlalchemy import text

from iotops.store.database import Database

SOAK = int(os.environ.get("IOTOPS_SOAK", "0"))  # how many kills `make soak` wants on each database
LOG = logging.getLogger(__name__)
KILLS = SOAK or 10
WITHIN_S = 3_600 if SOAK else 120  # so long may it take to go through everything that was published
ROUNDS = 25  # reports of each device from one kill to the next
STEP_S = 240  # and to start again; less than the five minutes within which nothing comes due in the fleet's time
DURABILITY = {
    "sqlite": "synchronous=FULL: what is committed is on disk",
    "postgresql": "fsync=off: kills are of ingest, the server and its machine go on",
}

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(4 * 3_600 if SOAK else 600)]


@pytest.fixture
def fleet(mosquitto, tmp_path) -> Iterator[Fleet]:
    """A fleet that has not started yet; it ends before its broker does."""
    fleet = Fleet(mosquitto.port, tmp_path / "published.csv")
    yield fleet
    fleet.abandon()


def counters(database: Database) -> dict[str, int]:
    """Return what ingest has counted so far, as committed."""
    with database.read() as unit:
        row = unit.connection.execute(text("SELECT batch_no, counters FROM ingest_state")).first()
    if row is None:
        return {"batch_no": 0}
    found = row[1] if isinstance(row[1], dict) else json.loads(row[1])
    return {"batch_no": row[0], **found}


def heard_the_end(database: Database) -> bool:
    """Tell whether the fleet's last message is stored, and with it all before."""
    with database.read() as unit:
        return unit.connection.execute(text("SELECT 1 FROM device WHERE device = 'end'")).first() is not None


class Outcome(NamedTuple):
    """What is to be the same, killed or not.

    Attributes:
        episodes: everything that fired, to the millisecond; of silences the round, as they are noticed so much later as
            nobody listened.
        incidents: those of rules that wait for no cause.
        invented: incidents of rules that do, beyond the episodes that there were; none.
    """

    episodes: Counter[tuple[Any, ...]]
    incidents: Counter[tuple[Any, ...]]
    invented: Counter[tuple[Any, ...]]


def outcome(database: Database) -> Outcome:
    """Return every episode that fired, and every incident, of the rules that were written for the fleet."""
    fired = text("SELECT rule, instance, severity, fired_ms, resolved_ms FROM alert WHERE fired_ms IS NOT NULL")
    raised = text("SELECT rule, instance, severity, state FROM incident")
    with database.read() as unit:
        episodes = [tuple(each) for each in unit.connection.execute(fired) if each.rule not in OF_NUMBERS]
        incidents = [tuple(each) for each in unit.connection.execute(raised) if each.rule not in OF_NUMBERS]
    waited = Counter(each[:2] for each in incidents if each[0] in PATIENT)
    waited.subtract(Counter(each[:2] for each in episodes if each[0] in PATIENT))
    return Outcome(
        Counter((*each[:3], *map(_by_round, each[3:])) if each[0] in OF_SILENCE else each for each in episodes),
        Counter(each for each in incidents if each[0] not in PATIENT),
        +waited,
    )


def _by_round(at_ms: int | None) -> int | None:
    return None if at_ms is None else (at_ms - START_MS) // ROUND_MS


def standing(database: Database, *states: str) -> set[str]:
    """Return the episodes that are in one of these states."""
    with database.read() as unit:
        found = unit.connection.execute(text("SELECT id, state FROM alert WHERE state <> 'resolved'"))
        return {episode for episode, state in found if state in states}


def undisturbed(deploy, broker, database_url: str, sent: list, wait_until) -> Outcome:
    """Publish the very same messages to an iotops that nothing disturbs and return what came of them."""
    deploy(broker.url, database_url, {"rules.yaml": RULES}, "ingest", "api")
    publisher = Publisher(broker.port, "again")
    for each in sent:
        publisher.publish(each)
    publisher.close()
    database = Database.open(database_url)
    wait_until(lambda: heard_the_end(database), WITHIN_S, "the undisturbed run")
    found = outcome(database)
    database.close()
    return found


def kill_once(deployment, fleet: Fleet, database: Database, chance: random.Random, wait_until) -> None:
    """SIGKILL ingest somewhere, start it again, and see it go on; what fired still fires.

    Every other time it is frozen, wherever it is, until the broker has sent it more, and killed then: a kill alone may
    find everything confirmed, just after a commit and while the fleet lacks the processor, and nothing would have to
    come again.
    """
    before = counters(database)
    fleet.go_to(len(fleet.sent) + ROUNDS * DEVICES)
    wait_until(lambda: counters(database)["batch_no"] > before["batch_no"], STEP_S, "a commit since the last kill")
    place = len(fleet.sent) + chance.randrange(ROUNDS * DEVICES)
    fleet.go_to(place)
    wait_until(lambda: len(fleet.sent) >= place, STEP_S, "messages up to the kill")
    holds_still = chance.random() < 0.5
    if holds_still:
        deployment.freeze("ingest")
        enough = len(fleet.sent) + 3 * WINDOW
        fleet.go_to(enough)
        wait_until(lambda: len(fleet.sent) >= enough, STEP_S, "messages acknowledged, while ingest stands still")
    deployment.kill("ingest")
    firing, before = standing(database, "firing", "recovering"), counters(database)
    deployment.start("ingest")
    fleet.go_to(len(fleet.sent) + DEVICES)
    awaited = "redelivered" if holds_still else "batch_no"
    wait_until(lambda: counters(database).get(awaited, 0) > before.get(awaited, 0), STEP_S, f"{awaited} after the kill")
    assert not firing & standing(database, "pending")


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_ingest_killed_again_and_again_loses_and_doubles_nothing(
    backend, request, mosquitto, fleet, tmp_path, deploy, wait_until
):
    """Every message is accounted for once, and alerts and incidents are those of an undisturbed run."""
    if backend == "sqlite":
        urls = [f"sqlite:///{tmp_path / name}.db" for name in ("killed", "calm")]
    else:
        server = request.getfixturevalue("postgres_server")
        urls = [server.new_database(), server.new_database()]
    kills = KILLS if backend == "sqlite" or SOAK else 3
    deployment = deploy(mosquitto.url, urls[0], {"rules.yaml": RULES}, "ingest", "api")
    database = Database.open(urls[0])
    chance = random.Random(f"{backend} {kills}")
    fleet.start()

    for number in range(kills):
        kill_once(deployment, fleet, database, chance, wait_until)
        LOG.info("%s: kill %d of %d, %d messages", backend, number + 1, kills, len(fleet.sent))
    published = fleet.finish()

    wait_until(lambda: heard_the_end(database), WITHIN_S, "every message received")
    account = json.loads(deployment.iotops("ledger", str(tmp_path / "published.csv"), "--format", "json"))
    assert (account["lost"], account["stored_twice"], account["unacked"]) == (0, 0, 0)
    assert account["duplicates"] > 0
    assert account["dead_lettered"] > 0
    killed = outcome(database)
    deployment.stop_all()
    database.close()
    calm = undisturbed(deploy, mosquitto, urls[1], published, wait_until)
    assert len({rule for rule, *_ in calm.episodes}) >= 7
    for part in Outcome._fields:
        of_killed, of_calm = getattr(killed, part), getattr(calm, part)
        assert (part, of_killed - of_calm, of_calm - of_killed) == (part, Counter(), Counter())
    assert not killed.invented
    found = {"kills": kills, "messages": len(published), "episodes": calm.episodes.total(), "differences": 0, **account}
    LOG.info("%s: %s", backend, found)
    if SOAK:
        durability = DURABILITY[backend]
        LOG.info("kept in %s", record(f"ingest killed, {backend}", {**found, "durability": durability}, tmp_path))


def test_broker_restarted_in_the_middle_loses_nothing(mosquitto, fleet, tmp_path, deploy, wait_until):
    """With persistence on, a broker that is stopped and started again delivers everything it acknowledged."""
    url = f"sqlite:///{tmp_path / 'broker.db'}"
    deployment = deploy(mosquitto.url, url, {"rules.yaml": RULES}, "ingest", "api")
    database = Database.open(url)
    fleet.start()

    for number in range(1, 4):
        before = counters(database)["batch_no"]
        fleet.go_to(number * ROUNDS * DEVICES)
        wait_until(lambda before=before: counters(database)["batch_no"] > before, 120, "a commit")
        mosquitto.stop()
        mosquitto.start()
    fleet.finish()

    wait_until(lambda: heard_the_end(database), 120, "every message received")
    account = json.loads(deployment.iotops("ledger", str(tmp_path / "published.csv"), "--format", "json"))
    assert (account["lost"], account["stored_twice"], account["unacked"]) == (0, 0, 0)
    assert all(found["site"] == "site" for found in deployment.incidents())
    database.close()
