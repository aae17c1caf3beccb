"""What may change while the ingest runs: the files beside the rules, and what people change through the API."""

import logging
from collections.abc import Callable
from dataclasses import replace

from iotops.clock import monotonic_ms
from iotops.ingest.pipeline import Pipeline
from iotops.ingest.retry import Patience
from iotops.ingest.rulebook import Edition, Rulebook
from iotops.ingest.vitals import Vitals
from iotops.rules.compile import compile_rules
from iotops.rules.engine import Now
from iotops.rules.reload import reload
from iotops.store import deeds, fleet, rules, suppressions, topology
from iotops.store.database import Database, Unit
from iotops.store.deeds import BY_ITSELF, Deed
from iotops.store.editions import keep_edition
from iotops.store.fleet import Declared
from iotops.store.notes import Note, NoteKind

LOG = logging.getLogger(__name__)
QUARANTINE_AFTER = 20
"""A rule that raised so often since it was loaded is left out until its file changes: it will not heal by itself."""


class Editions:
    """Looks every `every_ms` whether files or devices changed, and brings the pipeline in step."""

    def __init__(
        self, database: Database, rulebook: Rulebook, vitals: Vitals, patience: Patience, *, every_ms: int
    ) -> None:
        self._database = database
        self._rulebook = rulebook
        self._vitals = vitals
        self._patience = patience
        self._every_ms = every_ms
        self._looked_ms = monotonic_ms()
        self._devices_from_ms = 0
        self._started = False
        self._topology_version = -1

    def look(self, pipeline: Pipeline, now: Now) -> None:
        """Bring the pipeline in step, if it is time to look."""
        if monotonic_ms() - self._looked_ms < self._every_ms:
            return
        self._looked_ms = monotonic_ms()
        self._see_devices(pipeline, now)
        edition = self._rulebook.changed()
        self._see_refusal(now)
        if edition is not None:
            self.publish(pipeline, edition, now)
        self._quarantine(pipeline, now)

    def publish(self, pipeline: Pipeline, edition: Edition, now: Now) -> None:
        """Put an edition in force: in the database, in the pipeline, and on the open alerts."""
        declared = {key: Declared(found.labels, found.trust_status) for key, found in edition.devices.items()}

        digest = ""

        def write(unit: Unit) -> None:
            nonlocal digest
            fleet.declare(unit, declared, now_ms=now.wall_ms, connected_ms=now.connected_ms)
            topology.declare(unit, edition.services, now.wall_ms)
            topology.declare_promises(unit, edition.promises, now.wall_ms)
            changed = rules.differences(unit, edition.rules)
            rules.keep_loaded(unit, edition.rules, now.wall_ms)
            digest = keep_edition(unit, edition.sources, now.wall_ms)
            if changed:
                deeds.append(unit, [Deed(now.wall_ms, *BY_ITSELF, "rules_loaded", digest, data=changed)])

        self._write(write)
        self._see_devices(pipeline, now, everything=True)
        pipeline.faults.clear()
        pipeline.program = compile_rules(edition.rules)
        pipeline.around = replace(pipeline.around, rules=edition.rules.rules)
        data = {"rules": len(edition.rules.rules), "edition": digest, "started": not self._started}
        note = Note(NoteKind.RULES_RELOADED, now.wall_ms, now.connected_ms, data)
        pipeline.apply(lambda: reload(pipeline.program, pipeline.memory), now, [note])
        self._started = True
        self._vitals.rules_loaded = len(edition.rules.rules)
        self._vitals.rules_loaded_ms = now.wall_ms
        LOG.info("rules: %d in force, %d devices declared", len(edition.rules.rules), len(declared))

    def _see_refusal(self, now: Now) -> None:
        """Take over why newer files are not in force, and write it down once."""
        error, before = self._rulebook.error, self._vitals.rules_error
        self._vitals.rules_error = error
        if error is None or error == before:
            return
        told = Deed(now.wall_ms, *BY_ITSELF, "rules_refused", "rules", "denied", data={"error": error[:1_000]})
        self._write(lambda unit: deeds.append(unit, [told]))

    def _see_devices(self, pipeline: Pipeline, now: Now, *, everything: bool = False) -> None:
        """Take over what people, or devices.yaml, changed about devices."""
        since_ms = 0 if everything else self._devices_from_ms

        def read() -> None:
            with self._database.read() as unit:
                pipeline.roster.load(fleet.changed_since(unit, since_ms))
                self._see_topology(unit, pipeline)
                known = suppressions.load(unit, now.wall_ms, pipeline.around.suppressions)
                pipeline.around = replace(pipeline.around, suppressions=known)

        self._patience.insist(read, lambda _error: False)
        self._devices_from_ms = now.wall_ms

    def _see_topology(self, unit: Unit, pipeline: Pipeline) -> None:
        """Take over services and dependencies where somebody changed them."""
        version = topology.version(unit)
        if version != self._topology_version:
            pipeline.roster.landscape.adopt(*topology.landscape(unit))
            self._topology_version = version

    def _quarantine(self, pipeline: Pipeline, now: Now) -> None:
        """Leave out rules that raise again and again, and say so."""
        self._vitals.rule_faults = pipeline.faults.copy()
        bad = {rule for rule, count in pipeline.faults.items() if count >= QUARANTINE_AFTER}
        bad -= pipeline.program.quarantined
        if not bad:
            return

        def write(unit: Unit) -> None:
            for rule in sorted(bad):
                rules.note_error(unit, rule, pipeline.fault_texts[rule], quarantined=True, count=pipeline.faults[rule])
            deeds.append(unit, [Deed(now.wall_ms, *BY_ITSELF, "rule_quarantined", rule) for rule in sorted(bad)])

        self._write(write)
        pipeline.program.quarantined.update(bad)
        pipeline.chronicle.add(Note(NoteKind.RULES_QUARANTINED, now.wall_ms, now.connected_ms, {"rules": sorted(bad)}))
        LOG.error("rules: %s raised %d errors and are left out until their file changes", sorted(bad), QUARANTINE_AFTER)

    def _write(self, work: Callable[[Unit], object]) -> None:
        def write() -> None:
            with self._database.begin() as unit:
                work(unit)

        # Saying the same twice does no harm, so an unknown outcome needs no look.
        self._patience.insist(write, lambda _error: False)
