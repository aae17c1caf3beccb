"""Whose message a topic is, and what it is about."""

import re
from functools import lru_cache
from typing import NamedTuple

from iotops.errors import DecodeError
from iotops.telemetry.reading import DeviceKey

_NAME = r"[A-Za-z0-9_.:-]{1,64}"
_OURS = re.compile(rf"iot/({_NAME})/({_NAME})/(?:(telemetry)(?:/([^/+#]{{1,128}}))?|(status|event))")
_SHAPE = re.compile(r"iot/[^/]*/[^/]*/(?:telemetry(?:/[^/]*)?|status|event)", re.DOTALL)
_SHOWN_CHARS = 200


class Topic(NamedTuple):
    """A topic of ours: the device, what the message is about, and the metric where the topic names it."""

    key: DeviceKey
    leaf: str
    metric: str | None = None

    @property
    def site(self) -> str:
        """The second level."""
        return self.key.site

    @property
    def device(self) -> str:
        """The third level."""
        return self.key.device


# 65 536 topics of at most 300 characters: 30 MB at the worst, and every device of the largest tested fleet fits.
# Only good topics are remembered: an exception is not cached, so a hostile topic of 64 KB is not kept.
@lru_cache(maxsize=65_536)
def parse_topic(topic: str) -> Topic:
    """Return what a topic of the convention says.

    Raises:
        DecodeError: `no_mapping` where the topic is none of ours, `bad_topic` where only a name in it is wrong.
    """
    found = _OURS.fullmatch(topic)
    if found is None:
        raise _refusal(topic)
    site, device, telemetry, metric, other = found.groups()
    if metric is not None and not metric.isprintable():
        raise _refusal(topic)
    return Topic(DeviceKey(site, device), telemetry or other, metric)


def _refusal(topic: str) -> DecodeError:
    shown = ascii(topic[:_SHOWN_CHARS])
    if _SHAPE.fullmatch(topic):
        return DecodeError(
            "bad_topic", f"topic {shown}: site and device must match {_NAME}, a metric 1-128 printable characters"
        )
    return DecodeError(
        "no_mapping", f"topic {shown}: expected iot/SITE/DEVICE/telemetry[/METRIC], .../status or .../event"
    )
