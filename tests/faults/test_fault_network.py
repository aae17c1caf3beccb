"""Networks that cut, stall, delay and reset, and brokers that freeze or are killed: what is kept, and what is not."""

import os
import random
import signal
import time

import pytest
from faultproxy import FaultProxy
from invariants import DEVICES, settle
from sqlalchemy import text
from works import NOTIFY, RULES

from iotops.footprint import Footprint
from iotops.ingest import pace

SOAK = "IOTOPS_SOAK" in os.environ
ROUNDS = 40 if SOAK else 3
"""How often each of the network's faults comes."""
HOLE_S = 120 if SOAK else 0
"""How long the last black hole goes on after it was noticed."""
FREEZE_S = 90 if SOAK else 0
"""How long who is frozen stays so after it was noticed."""

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(3_600 if SOAK else 300)]


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
        time.sleep(HOLE_S if fault == proxy.stall else 0)  # the fault itself
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
        time.sleep(FREEZE_S)  # the fault itself
    finally:
        mosquitto.process.send_signal(signal.SIGCONT)
    voices.say(10)

    all_holds(works, voices, before)


def test_a_killed_broker_loses_what_it_had_not_saved_and_data_gaps_tell_of_it(
    mosquitto, voices, make_works, sqlite_url, wait_until
):
    """F05: what was saved comes, what came later is lost although acknowledged: ledger and alerts name each of it."""
    works = make_works(mosquitto.port, sqlite_url)
    wait_until(lambda: works.status.subscribed, 60, "the first subscription")
    works.stop()
    voices.say(8)
    file = mosquitto.directory / "mosquitto.db"
    mosquitto.process.send_signal(signal.SIGUSR1)
    wait_until(file.exists, 60, "the broker saved")
    wait_until(lambda: b'"seq": 8' in file.read_bytes(), 60, "the last message saved")
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

    wait_until(lambda: voices.is_connected, 60, "the devices connected again")
    voices.say(17)  # sixteen later messages, and minutes of the devices' time: nobody waits for the lost ones any more

    wait_until(lambda: works.counted() == saved + 17 * DEVICES, 120, "what came after the kill")
    said = text("SELECT device, summary FROM alert WHERE rule = 'data_gap' AND fired_ms IS NOT NULL ORDER BY device")
    with works.database.read() as unit:
        told = [tuple(row) for row in unit.connection.execute(said)]
    expected = "3 messages of {0} at site never came, of numbers 9 to 11"
    assert told == [(name, expected.format(name)) for name in (f"d{number}" for number in range(DEVICES))]


def test_a_frozen_ingest_keeps_its_lock_and_goes_on_when_it_thaws(mosquitto, voices, deploy, tmp_path, all_settled):
    """F08: the broker gives it up and no second one gets in; thawed, it has lost nothing and tells nothing twice."""
    url = f"sqlite:///{tmp_path / 'frozen.db'}"
    iotops = deploy(mosquitto.url, url, {"rules.yaml": RULES, "notify.yaml": NOTIFY})
    iotops.start("api")
    iotops.start("ingest", IOTOPS_BROKER__KEEPALIVE_MS="2s")
    iotops.wait_ready()
    voices.say(6)

    iotops.freeze("ingest")
    voices.say(4)
    iotops.iotops("ingest", status=1)  # a second one, which is refused
    time.sleep(max(FREEZE_S, 4))  # the fault itself: longer than one and a half keep-alives
    iotops.processes["ingest"].send_signal(signal.SIGCONT)
    voices.say(4)

    all_settled(iotops, url, voices)
