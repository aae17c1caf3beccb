"""Rules checked against what the database holds."""

from pathlib import Path

from iotops.notify.routefile import FILE, load_notify
from iotops.rules.authoring.files import Checked, check_path
from iotops.rules.authoring.raised import Raised
from iotops.rules.rulefile import load_rules
from iotops.settings import Settings
from iotops.store import surroundings
from iotops.wiring.opening import open_database


def check_online(settings: Settings, path: Path) -> tuple[Checked, Raised | None]:
    """Check rules against the registry, and run those that load over the newest stored readings."""
    with open_database(settings) as database, database.read() as unit:
        found = check_path(path, surroundings.members(unit), {FILE: load_notify})
        return found, None if found.count("error") else surroundings.raised_lately(unit, load_rules(path))
