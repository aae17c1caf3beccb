"""What whoever started iotops gets to see: where the console is, and a token for it."""

from iotops.api.listening import is_loopback, listen_address
from iotops.clock import now_ms
from iotops.processes import Report
from iotops.settings import Settings
from iotops.store import deeds, tokens
from iotops.store.deeds import BY_ITSELF, Deed
from iotops.wiring.opening import open_database


def greet(settings: Settings, report: Report) -> None:
    """Say where the console is and, where only this machine can reach it, with which token."""
    host, port = listen_address(settings)
    scheme = "http" if settings.api.certificate_file is None else "https"
    report(f"console and API: {scheme}://{host}:{port}/")
    if is_loopback(host):
        report(f"admin token of this run: {start_token(settings)}")


def start_token(settings: Settings) -> str:
    """Make an admin token for whoever started iotops on loopback, in place of the one of the start before."""
    name = "printed at start"
    with open_database(settings) as database, database.begin() as unit:
        for found in tokens.every(unit):
            if found.name == name and found.revoked_ms is None:
                tokens.revoke(unit, found.id, now_ms())
        made, text = tokens.create(unit, "admin", now_ms=now_ms(), name=name)
        deeds.append(unit, [Deed(now_ms(), *BY_ITSELF, "create_token", made.id, data={"role": "admin", "name": name})])
    return text
