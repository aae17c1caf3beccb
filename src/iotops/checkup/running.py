"""Whether ingest and API run, and whether their clock is ours."""

from collections.abc import Iterator

import httpx

from iotops.api.ingest_view import FRESH_MS, IngestView, view_ingest
from iotops.api.listening import is_loopback, listen_address
from iotops.checkup.check import Check, existing_database
from iotops.clock import now_ms
from iotops.errors import ConfigurationError, IotopsError
from iotops.settings import Settings
from iotops.wording import counted

_CLOCK_MS = 2_000  # it beats every second, so a beat from further in the future is another clock's
_ANSWER_WITHIN_S = 3.0
_QUIET_MS = 900_000  # devices that say something less often than that are rare
_NEAR = 0.9  # of a bound


def check_ingest(settings: Settings) -> Iterator[Check]:
    """Look at the ingest's newest sign of life."""
    try:
        with existing_database(settings) as database:
            if database is None or not database.at_head():
                return
            with database.read() as unit:
                seen = view_ingest(unit)
    except IotopsError:  # told by the check of the database
        return
    yield from _signs(seen, now_ms())
    yield from _connection(seen)
    yield from _limits(seen, settings)


def check_api(settings: Settings) -> Iterator[Check]:
    """Look whether the API's address is safe, and whether something answers there."""
    try:
        host, port = listen_address(settings)
    except ConfigurationError as error:
        yield Check("api", "failed", str(error))  # the text says what to do
        return
    where = "loopback only" if is_loopback(host) else "reachable from elsewhere, tokens travel under TLS"
    listens = f"api.listen {settings.api.listen} ({where})"
    if _lives(host, port, tls=settings.api.certificate_file is not None):
        yield Check("api", "ok", f"{listens} answers")
    else:
        yield Check("api", "warning", f"{listens}: nothing answers", "start `iotops up`, or `iotops api`")


def _signs(seen: IngestView, at_ms: int) -> Iterator[Check]:
    if seen.at_ms is None:
        yield Check("ingest", "warning", "it has never run on this database", "start `iotops up`, or `iotops ingest`")
        return
    missing = seen.missing(at_ms)
    if missing:
        stopped = at_ms - seen.at_ms > FRESH_MS
        advice = "start `iotops up`, or `iotops ingest`" if stopped else "what it waits for stands here and in its log"
        yield Check("ingest", "failed", "; ".join(missing), advice)
    elif seen.warnings():
        yield Check("ingest", "warning", "; ".join(seen.warnings()), "run `iotops rules check` and repair the files")
    else:
        rules, devices = seen.number("rules_loaded") or 0, seen.number("devices") or 0
        watched = f"{counted(rules, 'rule')} in force, {counted(devices, 'device')}"
        receiver = seen.data.get("receiver", "unknown")
        yield Check("ingest", "ok", f"ready, {watched}, lag {seen.number('lag_ms')} ms, receiver {receiver}")
        yield from _quiet(seen, at_ms)
    yield _clock(seen.at_ms - at_ms)


def _quiet(seen: IngestView, at_ms: int) -> Iterator[Check]:
    """Tell of an ingest that has everything and hears nothing.

    mosquitto grants every subscription and then keeps back what its access list denies: nothing else shows that.
    """
    last_ms = seen.number("last_message_ms")
    if last_ms is not None and at_ms - last_ms < _QUIET_MS:
        return
    since = "has ever come" if last_ms is None else f"came for {(at_ms - last_ms) // 60_000} min"
    advice = (
        "do devices publish? may our user read broker.topics? mosquitto grants, and keeps back what its acl_file denies"
    )
    yield Check("messages", "warning", f"subscribed, and no message {since}", advice)


def _connection(seen: IngestView) -> Iterator[Check]:
    """Tell what happened to the connection with the broker since the ingest started."""
    if taken := seen.number("takeovers"):
        found = f"another client came with the ingest's client id {counted(taken, 'time')} since its start"
        yield Check("client id", "warning", found, "stop the other ingest, or give each a broker.client_id of its own")
    if lost := seen.number("session_losses"):
        found = f"the broker had forgotten the ingest's session {counted(lost, 'time')}: messages may be lost"
        yield Check("session", "warning", found, "was the broker killed? it needs persistence; see docs/reliability.md")


def _limits(seen: IngestView, settings: Settings) -> Iterator[Check]:
    """Tell of bounds on devices and metrics that are near, or that have turned messages away."""
    devices, most = seen.number("devices") or 0, settings.ingest.max_devices
    if devices >= most * _NEAR:
        found = f"{devices} devices are known, {most} are let in (ingest.max_devices)"
        yield Check("limits", "warning", found, "raise it if these are yours; else see which topics they come from")
    counts = seen.data.get("dead_letters_by_reason") or {}
    refused = {reason: counts[reason] for reason in ("device_limit", "metric_limit") if counts.get(reason)}
    if refused:
        found = ", ".join(f"{count} messages {reason}" for reason, count in refused.items())
        yield Check("limits", "warning", f"turned away: {found}", "see `iotops deadletter list --reason device_limit`")


def _clock(ahead_ms: int) -> Check:
    """Judge how far the ingest's clock is ahead; behind looks like silence, and is told as that."""
    if ahead_ms <= _CLOCK_MS:
        return Check("clock", "ok", "the ingest's clock is not ahead of ours")
    found = f"the ingest's clock is {ahead_ms / 1000:.1f} s ahead of ours"
    return Check("clock", "failed", found, "let both machines take their time from NTP")


def _lives(host: str, port: int, *, tls: bool) -> bool:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    shown = f"[{reachable}]" if ":" in reachable else reachable
    url = f"{'https' if tls else 'http'}://{shown}:{port}/health/live"
    try:
        # Our own certificate names the world's address and not this one; nothing is sent but the question.
        # Whether it answers is asked, not who it is: no secret is sent.
        return httpx.get(url, timeout=_ANSWER_WITHIN_S, verify=False, trust_env=False).is_success  # noqa: S501
    except httpx.HTTPError:
        return False
