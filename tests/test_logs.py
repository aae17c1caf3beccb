"""Log lines cannot be forged by what devices send."""

import logging
import sys

from iotops.logs import OneLine


def record(message, *args, exc_info=None):
    return logging.LogRecord("iotops.ingest", logging.WARNING, "f.py", 1, message, args, exc_info)


def test_payload_with_a_newline_stays_on_its_line():
    """A newline or an escape sequence in a value is shown, not obeyed."""
    line = OneLine().format(record("topic %s", "a\n2026 ERROR forged\x1b[2J"))

    assert "\n" not in line
    assert r"a\n2026 ERROR forged\x1b[2J" in line


def test_time_is_utc_with_milliseconds():
    """Lines start with an RFC 3339 instant in UTC."""
    found = record("x")
    found.created, found.msecs = 1_767_225_600.25, 250

    assert OneLine().format(found).startswith("2026-01-01T00:00:00.250Z WARNING iotops.ingest: x")


def test_traceback_follows_indented():
    """A bug's traceback is kept, on lines that no log event starts with."""
    try:
        int("boom")
    except ValueError:
        text = OneLine().format(record("failed", exc_info=sys.exc_info()))

    assert all(line.startswith("    ") for line in text.split("\n")[1:])
    assert "boom" in text
