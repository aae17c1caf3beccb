"""Networks that cut, stall, delay and reset, and brokers that freeze or are killed: what is kept, and what is not."""

import os
import random
import signal

import pytest
from faultproxy import FaultProxy
from invariants import settle

from iotops.footprint import Footprint
from iotops.ingest import pace

ROUNDS = 40 if "IOTOPS_SOAK" in os.environ else 3
"""How often each of the network's faults comes."""

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(3_600 if "IOTOPS_SOAK" in os.environ else 300)]


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    """Have nobody wait half a minute to connect again."""
    monkeypatch.setattr(pace, "LONGEST_WAIT_MS", 500)


@pytest.fixture
def proxy(mosquitto):
    found = FaultProxy(mosquitto.port)
    yield found
    found.close()


def test_a_network_that_does_its_worst_costs_nothing(
    mosquitto, proxy, voices, make_works, sqlite_url, all_holds, wait_until
):
    """F07: after cuts, resets, black holes and slow thin lines everything is there once."""
    works = make_works(proxy.port, sqlite_url)
    wait_until(lambda: works.status.subscribed, 60, "the first subscription")
    before = Footprint.now()
    chance = random.Random(7)
    faults = [proxy.cut, proxy.reset, proxy.stall] * ROUNDS
    chance.shuffle(faults)

    for fault in faults:
        proxy.delay(chance.choice((0, 0.005)), chance.choice((1, 7, 1_460)))
        voices.say(2)
        connections = proxy.connections
        fault()
        voices.say(1)
        wait_until(lambda: not works.status.subscribed or proxy.connections > connections, 60, "the fault noticed")  # noqa: B023  called within the turn
        proxy.pass_()
        wait_until(lambda: works.status.subscribed, 60, "subscribed again")

    all_holds(works, voices, before)
    assert works.status.reconnects >= len(faults)
    assert works.status.session_losses == 0


def test_a_frozen_broker_is_left_and_found_again(mosquitto, voices, make_works, sqlite_url, all_holds, wait_until):
    """F08: a broker that stands still is noticed by its silence; when it moves on nothing is lost or told twice."""
    works = make_works(mosquitto.port, sqlite_url)
    wait_until(lambda: works.status.subscribed, 60, "the first subscription")
    before = Footprint.now()
    voices.say(6)

    mosquitto.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: "broker" in works.reasons, 60, "the silence noticed")
    finally:
        mosquitto.process.send_signal(signal.SIGCONT)
    voices.say(10)

    all_holds(works, voices, before)


def test_a_killed_broker_loses_what_it_had_not_saved_and_the_ledger_names_it(
    mosquitto, voices, make_works, sqlite_url, wait_until
):
    """F05: what was saved comes, what came later is lost although it was acknowledged, and each is named as lost."""
    works = make_works(mosquitto.port, sqlite_url)
    wait_until(lambda: works.status.subscribed, 60, "the first subscription")
    works.stop()
    voices.say(4)
    file = mosquitto.directory / "mosquitto.db"
    mosquitto.process.send_signal(signal.SIGUSR1)
    wait_until(file.exists, 60, "the broker saved")
    wait_until(lambda: b'"seq": 4' in file.read_bytes(), 60, "the last message saved")
    saved = len(voices.rows)
    voices.say(3)

    mosquitto.stop(kill=True)
    mosquitto.start()
    works.start()

    wait_until(lambda: works.status.drained, 120, "the backlog")
    wait_until(lambda: works.counted() >= saved, 120, "what was saved")
    with works.database.read() as unit:
        account = settle(unit, voices.ledger())
    assert (account.stored + account.dead_lettered, account.lost) == (saved, len(voices.rows) - saved)
    assert len(account.named) == account.lost
