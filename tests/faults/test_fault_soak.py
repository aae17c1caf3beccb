"""Everything is killed, one after the other, while devices go on; and rules change under load."""

import os
import random
import threading

import pytest
from works import NOTIFY, RULES

ROUNDS = int(os.environ.get("IOTOPS_SOAK", "3"))
CHANGES = 60 if "IOTOPS_SOAK" in os.environ else 3
WARM = """
  - alert: warm
    when: temp > 25
"""

pytestmark = [pytest.mark.real("mosquitto"), pytest.mark.timeout(4 * 3_600 if "IOTOPS_SOAK" in os.environ else 300)]


def test_whatever_is_killed_again_and_again_all_seven_hold(
    mosquitto, voices, deploy, tmp_path, all_settled, wait_until
):
    """F24: ingest and api by SIGKILL, the broker by a stop that saves: in the end nothing is lost, doubled or grown."""
    url = f"sqlite:///{tmp_path / 'soak.db'}"
    iotops = deploy(mosquitto.url, url, {"rules.yaml": RULES, "notify.yaml": NOTIFY}, "ingest", "api")
    chance = random.Random(24)
    parts = ["ingest", "broker", "api"]

    for number in range(ROUNDS):
        part = parts[number] if number < len(parts) else chance.choice(parts)
        voices.say(chance.randrange(1, 4))
        if part == "broker":
            mosquitto.stop()
            mosquitto.start()
        else:
            iotops.kill(part)
        wait_until(lambda: voices.is_connected, 60, "the devices connected")
        voices.say(chance.randrange(1, 4))
        if part != "broker":
            iotops.start(part)
        iotops.wait_ready()
    voices.say(10)

    all_settled(iotops, url, voices)


def test_rules_that_come_go_and_are_broken_under_load_change_nothing_else(
    mosquitto, voices, make_works, sqlite_url, wait_until, all_holds
):
    """F20: each edition counts as a whole or not at all; what a broken one would be is said, and all goes on."""
    works = make_works(mosquitto.port, sqlite_url)
    wait_until(lambda: works.status.subscribed, 60, "the first subscription")
    file, vitals = works.settings.rules.directory / "rules.yaml", works.duties.vitals
    over = threading.Event()

    def talk():
        while not over.is_set():
            voices.say(2)

    talking = threading.Thread(target=talk)
    talking.start()
    try:
        loaded = vitals.rules_loaded
        for _ in range(CHANGES):
            file.write_text(RULES + WARM)
            wait_until(lambda: vitals.rules_loaded == loaded + 1, 60, "one rule more")
            file.write_text(RULES + WARM + "  - alert: broken\n    when: temp >\n")
            wait_until(lambda: vitals.rules_error is not None, 60, "the mistake told")
            assert vitals.rules_loaded == loaded + 1
            file.write_text(RULES)
            wait_until(lambda: vitals.rules_loaded == loaded and vitals.rules_error is None, 60, "one rule less")
    finally:
        over.set()
        talking.join()

    all_holds(works, voices, None)
