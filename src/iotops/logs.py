"""Log lines on standard error: one event a line, whatever a device put into it."""

import logging
import sys
import time


class OneLine(logging.Formatter):
    """UTC time, level, place, message; control characters escaped, so that a payload cannot forge a line."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt=None)
        self.default_time_format = "%Y-%m-%dT%H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line; a traceback follows on lines of its own, indented."""
        traceback = ""
        if record.exc_info:
            traceback = "\n    " + self.formatException(record.exc_info).replace("\n", "\n    ")
        plain = logging.makeLogRecord({**record.__dict__, "exc_info": None, "exc_text": None})
        return escape(super().format(plain)) + traceback


def escape(text: str) -> str:
    """Return text with every control character written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def configure(level: int = logging.INFO) -> None:
    """Send everything from `level` up to standard error; called once by the processes that run on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for chatty in ("alembic", "httpx", "amqtt", "transitions"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logging.getLogger("apscheduler").setLevel(
        logging.ERROR
    )  # a turn skipped because the last one still runs is no news
