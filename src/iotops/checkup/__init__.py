"""What `iotops doctor` looks at, in the order that it prints: each check is one file's function and one line here."""

from collections.abc import Callable, Iterator, Mapping

from iotops.checkup.broker import check_broker
from iotops.checkup.check import Check
from iotops.checkup.files import check_disk, check_secrets
from iotops.checkup.notifications import check_notifications
from iotops.checkup.rules import check_rules
from iotops.checkup.running import check_api, check_ingest
from iotops.checkup.schema import check_database
from iotops.settings import Settings

CHECKS: Mapping[str, Callable[[Settings], Iterator[Check]]] = {
    "database": check_database,
    "disk": check_disk,
    "secrets": check_secrets,
    "broker": check_broker,
    "rules": check_rules,
    "ingest": check_ingest,
    "outbox": check_notifications,
    "api": check_api,
}


def check_up(settings: Settings) -> tuple[Check, ...]:
    """Make every check; none of them changes anything that lasts."""
    return tuple(found for check in CHECKS.values() for found in check(settings))
