"""Pages: what the API answered, put into templates. Every value is escaped, whatever a device calls itself."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from iotops.clock import now_ms, utc
from iotops.console.words import PRIORITY_SIGNS, STATE_WORDS, ago, entry_sentence, place, short_duration


def render(template: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return a page; ages in it count from now."""
    return HTMLResponse(_TEMPLATES.get_template(template).render({**values, "now": utc(now_ms())}), status)


def lag_word(lag_ms: float | None) -> str:
    """Return the ingest's lag for the bar: `0.4 s`, `12s`, `3m`; `—` where it is not known."""
    if lag_ms is None:
        return "—"
    return f"{lag_ms / 1000:.1f} s" if lag_ms < 10_000 else short_duration(lag_ms / 1000)


@pass_context
def _ago(context: Context, instant: str | None) -> str:
    return ago(instant, context["now"])


_TEMPLATES = Environment(
    loader=PackageLoader("iotops.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "ago": _ago,
    "lag": lag_word,
    "place": place,
    "sentence": entry_sentence,
    "sign": PRIORITY_SIGNS.__getitem__,
    "state_word": STATE_WORDS.__getitem__,
}
