"""Tables as CSV (RFC 4180) for spreadsheets, which would take some texts for formulas."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

MEDIA_TYPE = "text/csv"
CSV_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}, "description": "a header and a line for each row"}
}
"""What the OpenAPI document says of an answer that is a table."""

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the header and the rows; what is not there is an empty cell."""
    yield _line(columns)
    for row in rows:
        yield _line([_cell(row.get(column)) for column in columns])


def csv_answer(name: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> StreamingResponse:
    """Return a table as an answer that a browser saves under a name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingResponse(csv_lines(columns, rows), media_type=MEDIA_TYPE, headers=headers)


def _line(cells: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _cell(value: object) -> object:
    """Return what goes into a cell: a text that a spreadsheet would compute gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, str):
        # Spreadsheets skip what is invisible before they look, so that is not what to look at.
        return f"'{value}" if value.lstrip(" \ufeff\u200b\xa0").startswith(_STARTS_FORMULA) else value
    return value
