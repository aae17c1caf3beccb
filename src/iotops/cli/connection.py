"""Options of commands that ask the API, and the words they take: incident numbers, devices, times."""

import functools
import os
import re
from collections.abc import Callable
from typing import Any

import click

from iotops.api.listening import own_url
from iotops.cli.configuration import load_settings
from iotops.client.api import Api
from iotops.clock import now_ms
from iotops.durations import format_instant, parse_duration, parse_instant

_NUMBER = re.compile(r"#?(?:INC-?)?0*(\d{1,18})", re.IGNORECASE)
_PROBLEM = re.compile(r"#?(?:PRB-?)?0*(\d{1,18})", re.IGNORECASE)
_DEVICE = re.compile(r"([A-Za-z0-9_.:-]{1,64})/([A-Za-z0-9_.:-]{1,64})")


def with_api(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--url`, and as its first argument the API there, asked with the token of IOTOPS_TOKEN."""

    @click.option(
        "--url",
        envvar="IOTOPS_URL",
        show_envvar=True,
        help="Where the API is; default: where api.listen says that it is on this machine.",
    )
    @click.pass_context
    @functools.wraps(command)
    def connected(ctx: click.Context, /, url: str | None, **values: Any) -> None:
        with Api(url or own_url(load_settings(ctx)), os.environ.get("IOTOPS_TOKEN", "")) as api:
            command(api, **values)

    return connected


class IncidentNumber(click.ParamType[str]):
    """An incident, written as INC-000142, inc-142, #142 or 142."""

    name = "incident"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the number as the API spells it; usage error where it is none."""
        found = _NUMBER.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no incident; write INC-000142, or 142", param, ctx)
        return f"INC-{int(found[1]):06}"


class ProblemNumber(click.ParamType[str]):
    """A problem, written as PRB-000007, prb-7, #7 or 7."""

    name = "problem"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the number as the API spells it; usage error where it is none."""
        found = _PROBLEM.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no problem; write PRB-000007, or 7", param, ctx)
        return f"PRB-{int(found[1]):06}"


class DevicePath(click.ParamType[str]):
    """A device, written SITE/DEVICE."""

    name = "device"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return SITE/DEVICE; usage error where it is none."""
        if _DEVICE.fullmatch(str(value)) is None:
            self.fail(f"{value!r} is no device; write SITE/DEVICE, for instance paris/fz-1", param, ctx)
        return str(value)


class Time(click.ParamType[str]):
    """An instant, in RFC 3339, or as a distance from now such as `2h`."""

    name = "time"

    def __init__(self, direction: int) -> None:
        self._direction = direction

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return RFC 3339 in UTC; usage error where the text is no time."""
        try:
            return format_instant(_read_time(str(value), self._direction))
        except ValueError:
            self.fail(f"{value!r} is no time; write 2h, or 2026-01-01T00:00:00Z", param, ctx)


def _read_time(text: str, direction: int) -> int:
    try:
        return now_ms() + direction * parse_duration(text)
    except ValueError:
        return parse_instant(text)


NUMBER = click.argument("number", type=IncidentNumber())
AGO = Time(-1)
AHEAD = Time(+1)
