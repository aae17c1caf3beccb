"""How the simulated things behave: one file per type, and the table of them.

Every model is a closed form of time: no step size, no state, so a device can be asked for any instant in any order and
answers the same. Counters count from `since_ms`, the device's last boot.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault
from simulators.physics.cash_feed import CashFeed
from simulators.physics.cash_machine import CashMachine
from simulators.physics.compressor import Compressor
from simulators.physics.freezer import Freezer
from simulators.physics.gateway import Gateway
from simulators.physics.point_of_sale import PointOfSale
from simulators.physics.pump import Pump
from simulators.physics.tank import Tank

__all__ = ["MODELS", "Model"]


class Model(Protocol):
    """The physics of one device. Its fields, but `noise`, are the parameters that a fleet file may set."""

    METRICS: ClassVar[tuple[str, ...]]
    WORLD: ClassVar[frozenset[str]]  # the kinds of fault that the physics itself knows

    def values(self, at_ms: int, since_ms: int, faults: Sequence[Fault]) -> dict[str, Value]:
        """Return every metric at an instant (Unix ms), under the world faults of the device, past ones included."""
        ...


MODELS: Mapping[str, type[Model]] = {
    "atm": CashMachine,
    "cash_feed": CashFeed,
    "compressor": Compressor,
    "freezer": Freezer,
    "gateway": Gateway,
    "pos": PointOfSale,
    "pump": Pump,
    "tank": Tank,
}
