"""Kills in their true proportion: devices report every ten minutes, and nobody listens for up to forty at a time.

The line to the broker is in this file, and so are all clocks; ingest's pipeline, its restarts and its database are the
real ones. So it can be said of every rule of the corpus what a kill may change: nothing, but of silence, and of samples
that come later than a rule waits.
"""

import random
from collections import Counter
from typing import NamedTuple

import pytest
from corpus import IN_ORDER, OF_NUMBERS, OF_SILENCE, ROUND_MS, RULES, START_MS, lived
from plant import Plant
from sqlalchemy import event, text

from iotops.store.database import Database

ROUNDS = 130
CALM_END = 300  # messages at the end over which nobody is killed: what came due meanwhile is seen
TICK_MS = 200_000
TOGETHER_MS = 1_000
LONGEST_MS = 2_400_000
SILENT_AFTER_MS = 3 * ROUND_MS


class Episode(NamedTuple):
    rule: str
    instance: str
    fired_ms: int
    resolved_ms: int | None
    severity: str


class Line:
    """What devices have published, of which the broker keeps whatever nobody has confirmed.

    Attributes:
        unheard: (when ingest committed last, when it was back) for each kill.
    """

    def __init__(self, database, rules):
        self.arrivals = lived(ROUNDS)
        self.confirmed = 0
        self.unheard = []
        self.plant = Plant(database, rules, now_ms=START_MS)
        self.plant.look()

    def run(self, chance=None):
        """Have everything judged, with kills wherever chance will have them."""
        plant = self.plant
        while self.confirmed < len(self.arrivals):
            self.wait_until(self.arrivals[self.confirmed][0] + TOGETHER_MS)
            kill = chance is not None and chance.random() < 0.1 and self.confirmed < len(self.arrivals) - CALM_END
            if not (kill and chance.random() < 0.4):
                self.confirmed += self.take(self.due(), drained=True)
            if chance is not None and chance.random() < 0.1:
                plant.snapshot(chance.choice((300, 1_024)))
            if kill:
                self.kill(chance)
        self.wait_until(plant.now_ms + ROUND_MS)

    def due(self):
        """Return how many messages have arrived that are not confirmed."""
        rest = self.arrivals[self.confirmed :]
        return next((count for count, (at_ms, _) in enumerate(rest) if at_ms > self.plant.now_ms), len(rest))

    def take(self, count, *, drained=False):
        """Have the next messages judged and stored."""
        plant = self.plant
        found = [sent for _, sent in self.arrivals[self.confirmed :][:count]]
        messages = [plant.message(sent.topic.removeprefix("iot/"), sent.payload.encode()) for sent in found]
        plant.process(*messages, drained=drained)
        return count

    def wait_until(self, at_ms):
        """Let time pass on a quiet line."""
        while self.plant.now_ms < at_ms:
            self.plant.wait(min(TICK_MS, at_ms - self.plant.now_ms))
            if self.plant.now_ms < at_ms:
                self.plant.process()

    def kill(self, chance):
        """Lose ingest, perhaps before its last confirmations arrive, and have it back after a while."""
        plant = self.plant
        if self.confirmed < len(self.arrivals) and chance.random() < 0.5:
            quiet_ms = max(1, self.arrivals[self.confirmed][0] - plant.now_ms)
            self.wait_until(plant.now_ms + chance.randrange(quiet_ms))
            plant.process()
        last_ms = plant.pipeline.ledgers.state.updated_ms
        self.confirmed -= min(self.confirmed, chance.choice((0, 1, 7)))
        plant.wait(chance.randrange(1_000, LONGEST_MS), connected=False)
        plant.restart()
        self.unheard.append((last_ms, plant.now_ms))
        plant.wait(chance.randrange(5, 400))
        while count := min(self.due(), chance.randrange(1, 60)):
            self.confirmed += self.take(count)
            plant.wait(chance.randrange(1, 100))

    def episodes(self):
        """Return everything that fired."""
        columns = ", ".join(Episode._fields)
        with self.plant.database.read() as unit:
            found = unit.connection.execute(text(f"SELECT {columns} FROM alert WHERE fired_ms IS NOT NULL"))
            return [Episode(*each) for each in found]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Run the rules over the fleet's report, killed as often as chance wants, and return the line."""
    opened = []

    def run(chance=None):
        folder = tmp_path_factory.mktemp("kills")
        (folder / "rules").mkdir()
        (folder / "rules" / "rules.yaml").write_text(RULES)
        opened.append(Database.open(f"sqlite:///{folder / 'iotops.db'}"))
        # Kills are of the process here, not of the machine: a thousand waits for the disk would show nothing.
        event.listen(opened[-1]._writer, "connect", lambda driver, _: driver.execute("PRAGMA synchronous = OFF"))
        opened[-1].upgrade()
        line = Line(opened[-1], folder / "rules")
        line.run(chance)
        return line

    yield run
    for database in opened:
        database.close()


@pytest.fixture(scope="module")
def calm(run):
    return run().episodes()


@pytest.fixture(scope="module")
def killed(run):
    return run(random.Random(1))


def decided(episodes, *, late):
    """Return what was decided by reports, of devices whose samples come in time or of the others."""
    return Counter(
        each
        for each in episodes
        if each.rule not in OF_SILENCE | OF_NUMBERS and ("late/" in each.instance or "=late" in each.instance) is late
    )


def test_kills_change_nothing_of_rules_about_what_devices_say(calm, killed):
    """Holds, tiers, windows, sequences, groups, presence: all the same to the millisecond."""
    expected = decided(calm, late=False)

    assert len(killed.unheard) > 20
    assert {each.rule for each in expected} == {
        "hot", "jumpy", "warm_lately", "in_order", "leak", "cold_then_hot", "many_hot", "offline",
    }  # fmt: skip
    assert decided(killed.episodes(), late=False) == expected


def test_kills_change_nothing_of_rules_that_wait_for_late_samples(calm, killed):
    """What comes no later than a rule waits is judged in its order, whoever was there when it came."""
    found, expected = (
        Counter(each for each in decided(episodes, late=True).elements() if each.rule in IN_ORDER)
        for episodes in (killed.episodes(), calm)
    )

    assert expected.total() > 5
    assert found == expected


def test_silence_counts_only_while_somebody_listens(calm, killed):
    """A silence is noticed later by what nobody heard of it, or not where too little is left; none is invented."""
    found = {each for each in killed.episodes() if each.rule in OF_SILENCE}
    shifts: list[int] = []
    unnoticed = 0
    for each in (each for each in calm if each.rule in OF_SILENCE):
        heard_ms, back_ms = each.fired_ms - SILENT_AFTER_MS, each.resolved_ms or killed.plant.now_ms
        unheard_ms = sum(to_ms - from_ms for from_ms, to_ms in killed.unheard if from_ms < back_ms and to_ms > heard_ms)
        same = [
            other
            for other in found
            if other.instance == each.instance and each.fired_ms <= other.fired_ms <= each.fired_ms + unheard_ms
        ]
        assert len(same) == 1 or back_ms - heard_ms - unheard_ms <= SILENT_AFTER_MS, each
        shifts += [other.fired_ms - each.fired_ms for other in same]
        unnoticed += not same
        found -= set(same)

    assert found == set()
    assert len(shifts) >= 5
    assert unnoticed > 0
