"""/incidents.csv: incidents as a table for spreadsheets."""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response

from iotops.api.access import Viewer
from iotops.api.context import Context, ContextOf
from iotops.api.csv_text import CSV_ANSWER, csv_answer
from iotops.api.incident_shapes import incident_shape
from iotops.api.problems import Problem
from iotops.api.resources.incidents import Filtered, filters_of
from iotops.store import incidents
from iotops.store.incidents import Filters

router = APIRouter(tags=["incidents"])

_COLUMNS = (
    *("number", "title", "state", "priority", "severity", "site", "service", "device", "rule", "supplier", "team"),
    *("assignee", "fired_at", "raised_at", "acknowledged_at", "resolved_at", "closed_at", "resolution_code", "cause"),
    *("verdict", "auto", "alert_count", "occurrence_count", "reopen_count", "duplicate_of", "merged_into"),
)
_AT_ONCE = 500


@router.get(
    "/incidents.csv",
    operation_id="list_incidents_csv",
    summary="Incidents as a table",
    response_class=Response,
    responses=CSV_ANSWER,
)
def list_incidents_csv(caller: Viewer, context: ContextOf, wanted: Annotated[Filtered, Query()]) -> Response:
    """Return all incidents that pass the filters of `/incidents`, a line each."""
    sites = caller.sites(wanted.site)
    return csv_answer("incidents", _COLUMNS, () if sites is None else _rows(context, wanted, filters_of(wanted, sites)))


def _rows(context: Context, wanted: Filtered, filters: Filters) -> Iterator[dict[str, Any]]:
    """Return rows page by page; the first is read at once, so that what cannot be asked is refused."""
    try:
        with context.read() as unit:
            first = incidents.page(unit, filters, sort=wanted.sort, limit=_AT_ONCE)
    except ValueError as error:
        raise Problem("validation_failed", str(error), errors=[{"place": "query", "detail": str(error)}]) from error

    def rows() -> Iterator[dict[str, Any]]:
        page = first
        while True:
            for each in page.items:
                yield incident_shape(each).model_dump(mode="json")
            if page.next_key is None:
                return
            with context.read() as unit:
                page = incidents.page(unit, filters, sort=wanted.sort, after=page.next_key, limit=_AT_ONCE)

    return rows()
