"""Figures about incidents as stored, each computed from one population that can be listed."""

from iotops.store.kpi.drill import Behind, behind
from iotops.store.kpi.figures import figures
from iotops.store.kpi.noisy import Noisy, noisy
from iotops.store.kpi.period import Period

__all__ = ["Behind", "Noisy", "Period", "behind", "figures", "noisy"]
