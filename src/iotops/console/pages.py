"""The table of pages: a new one is a view, a template, and one line here (and one in `frame.PLACES` to be found)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.responses import Response

from iotops.console.views.actions import act
from iotops.console.views.admin import admin_page, make_token, redeliver, revoke_token
from iotops.console.views.board import board
from iotops.console.views.bulk import act_on_many
from iotops.console.views.dead_letters import dead_letters_page, send_again
from iotops.console.views.device import device_page, silence
from iotops.console.views.devices import devices_page
from iotops.console.views.incident import incident_page
from iotops.console.views.insights import behind_page, insights_page, open_problem
from iotops.console.views.my import my_page
from iotops.console.views.playground import playground, try_rules
from iotops.console.views.quiet import end_quiet, plan_quiet, quiet_page
from iotops.console.views.rule import begin_run, rule_page, test_rule
from iotops.console.views.rules import rules_page
from iotops.console.views.saved import delete_view, save_view
from iotops.console.views.service_map import services_page
from iotops.console.views.sparklines import sparkline_image
from iotops.console.visit import Visit


class Page(NamedTuple):
    """One page: GET `path` shows `template` with what `view` returns; or what it answers instead, such as a redirect.

    A view asks the API through its visit and raises `Refused` where that refuses; what the visitor sees then, and
    all that stands around the page, is not its business.
    """

    path: str
    view: Callable[[Visit], Awaitable[Mapping[str, Any] | Response]]
    template: str


class Bare(NamedTuple):
    """Something without a page around it: `method` and `path`, and what answers.

    Of a POST that is a redirect, or a page that says why not; of a GET an image, or a part for a script to put in.
    """

    method: str
    path: str
    do: Callable[[Visit], Awaitable[Response]]


PAGES: Sequence[Page] = (
    Page("/", board, "board.html"),
    Page("/incidents/{number}", incident_page, "incident.html"),
    Page("/devices", devices_page, "devices.html"),
    Page("/devices/{site}/{device}", device_page, "device.html"),
    Page("/services", services_page, "services.html"),
    Page("/insights", insights_page, "insights.html"),
    Page("/insights/incidents", behind_page, "behind.html"),
    Page("/rules", rules_page, "rules.html"),
    Page("/rules/{rule}", rule_page, "rule.html"),
    Page("/quiet", quiet_page, "quiet.html"),
    Page("/dead-letters", dead_letters_page, "dead_letters.html"),
    Page("/my", my_page, "my.html"),
    Page("/admin", admin_page, "admin.html"),
    Page("/playground", playground, "playground.html"),
)

BARE: Sequence[Bare] = (
    Bare("GET", "/sparklines/{site}/{device}/{metric}", sparkline_image),
    Bare("POST", "/views", save_view),
    Bare("POST", "/views/{view}/delete", delete_view),
    Bare("POST", "/incidents/bulk", act_on_many),
    Bare("POST", "/incidents/{number}/{action}", act),
    Bare("POST", "/devices/{site}/{device}/silence", silence),
    Bare("POST", "/insights/problems", open_problem),
    Bare("POST", "/rules/{rule}/test", test_rule),
    Bare("POST", "/rules/{rule}/backtests", begin_run),
    Bare("POST", "/quiet", plan_quiet),
    Bare("POST", "/quiet/{number}/end", end_quiet),
    Bare("POST", "/dead-letters/redrive", send_again),
    Bare("POST", "/admin/tokens", make_token),
    Bare("POST", "/tokens/{token}/revoke", revoke_token),
    Bare("POST", "/notifications/{number}/redeliver", redeliver),
    Bare("POST", "/playground", try_rules),
)
