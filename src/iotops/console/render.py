"""Pages: what the API answered, put into templates. Every value is escaped, whatever a device calls itself."""

import secrets
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.responses import HTMLResponse

from iotops.clock import now_ms, utc
from iotops.console.figures import HEALTH_WORDS, figure, reading
from iotops.console.files import file_url
from iotops.console.promises import sla_view
from iotops.console.reasons import reason_of
from iotops.console.story import author_of, is_by_people, story_of
from iotops.console.times import absolute, ago, clock_time, long_duration, short_duration
from iotops.console.words import PRIORITY_SIGNS, PRIORITY_WORDS, STATE_SIGNS, STATE_WORDS, place, told


def render(template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return a page; ages in it count from now. `zone` among the values is the visitor's."""
    frame = {"now": utc(now_ms()), "zone": UTC, "theme": None, "who": None, "once": secrets.token_hex(8)}
    return HTMLResponse(_TEMPLATES.get_template(template).render({**frame, **values}), status)


def lag_word(lag_ms: float | None) -> str:
    """Return the ingest's lag for the bar: `0.4 s`, `12s`, `3m`; `—` where it is not known."""
    if lag_ms is None:
        return "—"
    return f"{lag_ms / 1000:.1f} s" if lag_ms < 10_000 else short_duration(lag_ms / 1000)


@pass_context
def _ago(context: Context, instant: str | None) -> str:
    return ago(instant, context["now"])


@pass_context
def _absolute(context: Context, instant: str | None) -> str:
    return absolute(instant, context["zone"])


@pass_context
def _clock_time(context: Context, instant: str | None) -> str:
    return clock_time(instant, context["zone"])


_TEMPLATES = Environment(
    loader=PackageLoader("iotops.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "HEALTHS": HEALTH_WORDS,
    "static": file_url,
    "sla_view": sla_view,
    "reason_of": reason_of,
    "svg": Markup,
}
_TEMPLATES.filters |= {
    "ago": _ago,
    "absolute": _absolute,
    "clock_time": _clock_time,
    "lag": lag_word,
    "lasting": long_duration,
    "place": place,
    "author": author_of,
    "by_people": is_by_people,
    "story": story_of,
    "sign": PRIORITY_SIGNS.__getitem__,
    "priority_word": PRIORITY_WORDS.__getitem__,
    "state_sign": STATE_SIGNS.__getitem__,
    "state_word": STATE_WORDS.__getitem__,
    "told": told,
    "reading": reading,
    "figure": figure,
}
