"""The engine's memory of devices as bytes: msgpack with a version."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from iotops.rules.anomaly import METHOD, MODELS
from iotops.rules.device import DeviceMemory
from iotops.rules.series import Series
from iotops.telemetry.reading import DeviceKey, Value

VERSION: Final = 1


class _Metric(msgspec.Struct, array_like=True):
    times: list[int]
    values: list[Value]
    value: Value | None
    last_ms: int
    good_ms: int
    lost_ms: int
    every_ms: int | None
    gaps: list[int]
    paused_ms: int
    models: dict[int, tuple[str, Any]] = msgspec.field(default_factory=dict)  # season -> method, state


class _Device(msgspec.Struct, array_like=True):
    site: str
    device: str
    started: bool
    clocks: list[int]
    online: bool | None
    metrics: dict[str, _Metric]


class _Slot(msgspec.Struct, array_like=True):
    version: int
    devices: list[_Device]


_CLOCKS: Final = (
    "event_ms", "connected_ms", "received_ms", "heard_ms", "heard_paused_ms", "paused_ms", "first_ms", "every_ms",
    "ended_ms",  # absent from older snapshots
)  # fmt: skip
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Slot)


def pack(devices: Iterable[DeviceMemory]) -> bytes:
    """Return clocks and samples of the devices that were heard."""
    heard = [device for device in devices if device.started or device.series]
    return _encoder.encode(_Slot(VERSION, [_packed(device) for device in heard]))


def unpack(data: bytes, slot: int) -> Iterator[tuple[DeviceKey, Callable[[DeviceMemory], None]]]:
    """Yield each device of a snapshot with the way to restore it.

    Raises:
        ValueError: the snapshot is damaged or of a version that this one does not read.
    """
    try:
        found = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        msg = f"snapshot of slot {slot}: {error}; delete it, and memory is rebuilt from stored telemetry"
        raise ValueError(msg) from error
    if found.version != VERSION:
        msg = f"snapshot of slot {slot}: version {found.version}, this program reads {VERSION}; delete it to go on"
        raise ValueError(msg)
    for packed in found.devices:
        yield DeviceKey(packed.site, packed.device), _restorer(packed)


def _packed(device: DeviceMemory) -> _Device:
    clocks = [getattr(device, name) for name in _CLOCKS]
    metrics = {name: _packed_series(series) for name, series in device.series.items()}
    return _Device(device.key.site, device.key.device, device.started, clocks, device.online, metrics)


def _packed_series(series: Series) -> _Metric:
    return _Metric(
        series.times,
        series.values,
        series.value,
        series.last_ms,
        series.good_ms,
        series.lost_ms,
        series.every_ms,
        list(series.gaps),
        series.paused_ms,
        {season: (METHOD, model.state()) for season, model in series.models.items()},
    )


def _restorer(packed: _Device) -> Callable[[DeviceMemory], None]:
    def restore(device: DeviceMemory) -> None:
        for name, value in zip(_CLOCKS, packed.clocks, strict=False):
            setattr(device, name, value)
        if device.facts.every_ms is not None:
            device.every_ms = device.facts.every_ms
        device.started = packed.started
        device.online = packed.online
        device.series = {name: _restored(metric) for name, metric in packed.metrics.items()}

    return restore


def _restored(packed: _Metric) -> Series:
    series = Series(packed.every_ms)
    series.times, series.values, series.value = packed.times, packed.values, packed.value
    series.last_ms, series.good_ms, series.lost_ms = packed.last_ms, packed.good_ms, packed.lost_ms
    series.gaps, series.paused_ms = tuple(packed.gaps), packed.paused_ms
    for season, (method, state) in packed.models.items():
        if method in MODELS:  # one that is gone has to learn anew as another
            series.models[season] = MODELS[method](season)
            series.models[season].restore(state)
    return series
