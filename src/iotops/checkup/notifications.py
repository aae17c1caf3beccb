"""Whether people are told of incidents: what is due goes out, and channels take it."""

from collections.abc import Iterator

from iotops.checkup.check import Check, existing_database
from iotops.clock import now_ms
from iotops.errors import IotopsError
from iotops.settings import Settings
from iotops.store.notices import Backlog, backlog
from iotops.wording import counted

_LATE_MS = 60_000  # the courier looks twice a second, and one attempt takes ten seconds at the most
_MANY = 1_000  # entries that nobody made into messages: it does so at once


def check_notifications(settings: Settings) -> Iterator[Check]:
    """Look at what was not delivered; says nothing where the database cannot be asked."""
    try:
        with existing_database(settings) as database:
            if database is None or not database.at_head():
                return
            with database.read() as unit:
                found = backlog(unit, now_ms())
    except IotopsError:  # told by the check of the database
        return
    yield _judged(found)


def _judged(found: Backlog) -> Check:
    if found.overdue_ms > _LATE_MS or found.routed > _MANY:
        told = f"{counted(found.pending, 'notification')} and {counted(found.routed, 'entry', 'entries')} wait"
        late = f"the first has been due for {found.overdue_ms // 1_000} s"
        advice = "they go out from the ingest: does it run? Its log says which channel hangs"
        return Check("outbox", "failed", f"{told}, {late}", advice)
    if found.retrying:
        told = f"{counted(found.retrying, 'notification')} not taken by their channels, and tried again"
        advice = "`iotops notifications list --state pending` says what the channel answers"
        return Check("outbox", "warning", told, advice)
    if found.failed:
        advice = "`iotops notifications list --state failed`, and `redeliver` once the channel works"
        return Check("outbox", "warning", f"{counted(found.failed, 'notification')} given up", advice)
    return Check("outbox", "ok", "nothing is overdue")
