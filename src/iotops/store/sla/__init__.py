"""Clocks of incidents as stored: kept in step with the timeline, shown, and computed anew."""

from iotops.store.sla.follow import catch_up
from iotops.store.sla.promises import Given, would_be_promised
from iotops.store.sla.rebuild import Rebuilt, rebuild
from iotops.store.sla.shown import ShownClock, clocks_of

__all__ = ["Given", "Rebuilt", "ShownClock", "catch_up", "clocks_of", "rebuild", "would_be_promised"]
