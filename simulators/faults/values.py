"""Faults of a sensor: what it says is not what is."""

from collections.abc import Callable

from iotops.telemetry.reading import Value
from simulators.faults.fault import Fault

Falsify = Callable[[Fault, Value, Value, int], Value | None]
"""(fault, true value now, true value when the fault began, Unix milliseconds) -> what the sensor says; None: null."""


def _spike(fault: Fault, now: Value, _began: Value, _at_ms: int) -> Value:
    return _moved(now, fault.amount)


def _drift(fault: Fault, now: Value, _began: Value, at_ms: int) -> Value:
    return _moved(now, fault.amount * fault.lasted_h(at_ms))


def _stuck(_fault: Fault, _now: Value, began: Value, _at_ms: int) -> Value:
    return began


def _dropout(_fault: Fault, _now: Value, _began: Value, _at_ms: int) -> None:
    return None


def _moved(value: Value, by: float) -> Value:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return round(value + by)
    return round(value + by, 3)


FALSIFY: dict[str, Falsify] = {"spike": _spike, "drift": _drift, "stuck": _stuck, "dropout": _dropout}
