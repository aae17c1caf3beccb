"""Incidents as stored: read and written by correlation, by people, and by time; and listed in pages."""

from iotops.store.incidents.actions import act, create, get, lock, pass_deadlines
from iotops.store.incidents.cases import keep
from iotops.store.incidents.counts import Counts, count, count_open
from iotops.store.incidents.intake import raise_ingest_down, resolve_ingest_down
from iotops.store.incidents.judged import JudgedIncident, judged
from iotops.store.incidents.known import open_for, open_storms
from iotops.store.incidents.merges import merge, split
from iotops.store.incidents.pages import Filters, Page, page
from iotops.store.incidents.policy import policy_of
from iotops.store.incidents.recurrence import Candidate, candidates
from iotops.store.incidents.rows import number_of, row_id
from iotops.store.incidents.similar import Similar, similar

__all__ = [
    "Candidate",
    "Counts",
    "Filters",
    "JudgedIncident",
    "Page",
    "Similar",
    "act",
    "candidates",
    "count",
    "count_open",
    "create",
    "get",
    "judged",
    "keep",
    "lock",
    "merge",
    "number_of",
    "open_for",
    "open_storms",
    "page",
    "pass_deadlines",
    "policy_of",
    "raise_ingest_down",
    "resolve_ingest_down",
    "row_id",
    "similar",
    "split",
]
