"""The figures behind /metrics: read from the ingest's heartbeat and from the database at each scrape."""

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from iotops.api.context import Context
from iotops.api.ingest_view import IngestView, view_ingest
from iotops.store import figures, incidents
from iotops.store.notices import Backlog, backlog

# Metric -> heartbeat key, help text. Prometheus wants base units: seconds, not milliseconds.
COUNTERS: Mapping[str, tuple[str, str]] = {
    "iotops_messages": ("messages", "Messages received from the broker"),
    "iotops_messages_stored": ("stored", "Messages stored"),
    "iotops_messages_duplicate": ("duplicates", "Messages that were stored before and dropped"),
    "iotops_messages_dead_lettered": ("dead_lettered", "Messages that could not be used"),
    "iotops_readings_late": ("late", "Readings that came too late to be judged"),
    "iotops_readings_rejected": ("rejected", "Values that were missing or out of their valid range"),
    "iotops_readings_evaluated": ("evaluated", "Readings that rules were evaluated on"),
    "iotops_messages_skipped": ("skipped", "Messages that never came although later ones of their device did"),
    "iotops_messages_filled": ("filled", "Messages that were counted as skipped and came after all"),
    "iotops_batches": ("batches", "Transactions committed by the ingest"),
    "iotops_broker_reconnects": ("reconnects", "Reconnections to the broker"),
    "iotops_broker_session_losses": ("session_losses", "Times the broker had forgotten our session"),
    "iotops_broker_takeovers": ("takeovers", "Times another client came with the ingest's client id"),
    "iotops_broker_dropped_messages": (
        "broker_dropped",
        "Messages the broker has thrown away, as mosquitto counts them",
    ),
    "iotops_broker_stale_acks": ("stale_acks", "Acknowledgements dropped because their connection was gone"),
}
GAUGES: Mapping[str, tuple[str, str]] = {
    "iotops_buffered_messages": ("buffered", "Messages received and not yet committed"),
    "iotops_rules_loaded": ("rules_loaded", "Rules in force"),
    "iotops_devices": ("devices", "Devices registered"),
}
SECONDS: Mapping[str, tuple[str, str]] = {
    "iotops_ingest_lag_seconds": ("lag_ms", "From receipt to commit, newest message"),
    "iotops_oldest_unacked_seconds": ("oldest_unacked_ms", "Age of the oldest message not yet acknowledged"),
    "iotops_commit_seconds": ("commit_ms_last", "Duration of the newest commit"),
    "iotops_commit_p99_seconds": ("commit_ms_p99", "99th percentile of the recent commits"),
    "iotops_last_message_timestamp_seconds": ("last_message_ms", "When the newest message was received"),
}
TRUTHS: Mapping[str, tuple[str, str]] = {
    "iotops_broker_connected": ("connected", "1 while connected to the broker"),
    "iotops_broker_subscribed": ("subscribed", "1 while the broker has confirmed the subscription"),
}


class Figures:
    """A collector for one scrape."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; those of an ingest that never ran are absent, not zero."""
        now_ms = self._context.now_ms()
        with self._context.read() as unit:
            ingest = view_ingest(unit)
            counted = incidents.count_open(unit)
            untold = backlog(unit, now_ms)
            judged = figures.totals(unit, "rule", 0, now_ms + 1)
        build = GaugeMetricFamily("iotops_build_info", "Version of iotops", labels=["version"])
        build.add_metric([self._context.version], 1)
        yield build
        yield GaugeMetricFamily("iotops_ingest_ready", "1 while the ingest is ready", not ingest.missing(now_ms))
        yield from _reported(ingest)
        yield _labelled("iotops_dead_letters", "Dead letters", "reason", ingest.data.get("dead_letters_by_reason", {}))
        yield _labelled(
            "iotops_rule_errors", "Errors while rules were evaluated", "rule", ingest.data.get("rule_faults", {})
        )
        yield from _costs(judged)
        yield from _outbox(untold)
        yield _open_incidents(counted)


def _reported(ingest: IngestView) -> Iterator[Metric]:
    for name, (key, text) in COUNTERS.items():
        if (value := ingest.number(key)) is not None:
            yield CounterMetricFamily(name, text, value)
    for name, (key, text) in GAUGES.items():
        if (value := ingest.number(key)) is not None:
            yield GaugeMetricFamily(name, text, value)
    for name, (key, text) in SECONDS.items():
        if isinstance(value := ingest.data.get(key), int | float):
            yield GaugeMetricFamily(name, text, value / 1000)
    for name, (key, text) in TRUTHS.items():
        if key in ingest.data:
            yield GaugeMetricFamily(name, text, bool(ingest.data[key]))


def _labelled(name: str, text: str, label: str, counts: Mapping[str, Any]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in sorted(counts.items()):
        family.add_metric([value], count)
    return family


def _costs(judged: Mapping[str, Mapping[str, int]]) -> Iterator[Metric]:
    """Yield what judging cost; one batch in 64 is timed, so only the quotient of the two says something."""
    spent = {rule: counts.get("spent_ns", 0) / 1e9 for rule, counts in judged.items() if counts.get("timed")}
    times = {rule: judged[rule]["timed"] for rule in spent}
    yield _labelled("iotops_rule_timed_judgements", "Judgements that were timed", "rule", times)
    yield _labelled("iotops_rule_timed_seconds", "Time spent in judgements that were timed", "rule", spent)


def _outbox(untold: Backlog) -> Iterator[Metric]:
    yield GaugeMetricFamily("iotops_outbox_entries", "Timeline entries not yet made into notifications", untold.routed)
    family = GaugeMetricFamily("iotops_notifications", "Notifications that were not delivered", labels=["state"])
    for state in ("pending", "sending", "failed"):
        family.add_metric([state], getattr(untold, state))
    yield family
    text = "Notifications that a channel did not take and that are tried again"
    yield GaugeMetricFamily("iotops_notifications_retrying", text, untold.retrying)
    text = "For how long the notification that should have gone out first has been due"
    yield GaugeMetricFamily("iotops_notifications_overdue_seconds", text, untold.overdue_ms / 1000)


def _open_incidents(counted: Mapping[tuple[str, str], int]) -> Metric:
    family = GaugeMetricFamily("iotops_incidents_open", "Incidents that need somebody", labels=["state", "priority"])
    for (state, priority), count in sorted(counted.items()):
        family.add_metric([state, priority], count)
    return family
