"""Whether the rules directory can be loaded as it is."""

from collections.abc import Iterator

from iotops.checkup.check import Check
from iotops.errors import RuleFileError
from iotops.notify.routefile import FILE as NOTIFY
from iotops.notify.routefile import load_notify
from iotops.notify.routes import Notify
from iotops.rules.devicefile import load_devices
from iotops.rules.rulefile import load_rules
from iotops.rules.servicefile import load_services
from iotops.rules.slafile import load_promises
from iotops.settings import Settings
from iotops.wording import counted


def check_rules(settings: Settings) -> Iterator[Check]:
    """Load rules and declared devices, as the ingest does."""
    directory = settings.rules.directory
    if not directory.is_dir():
        found = f"rules.directory {directory.absolute()} is no directory"
        yield Check("rules", "failed", found, "create it, or set rules.directory")
        return
    try:
        count, declared = len(load_rules(directory).rules), len(load_devices(directory))
        load_services(directory)
        load_promises(directory)
        notify = load_notify(directory)
    except RuleFileError as error:
        first = str(error.findings[0]).partition("\n")[0]
        found = f"{directory}: {len(error.findings)} findings, the first: {first}"
        yield Check("rules", "failed", found, "run `iotops rules check` for all of them")
        return
    if count:
        yield Check("rules", "ok", f"{directory}: {counted(count, 'rule')}, {counted(declared, 'declared device')}")
    else:
        yield Check(
            "rules", "warning", f"{directory} holds no rule", "write one: `iotops rules check` reads it at once"
        )
    yield _notices(notify)


def _notices(notify: Notify) -> Check:
    told = f"{counted(len(notify.routes), 'route')} to {counted(len(notify.channels), 'channel')}"
    if all(channel.kind == "log" for channel in notify.channels.values()):
        return Check("notices", "ok", f"{told}: incidents go to the log alone; {NOTIFY} says who else is told")
    return Check("notices", "ok", told)
