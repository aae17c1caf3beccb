"""The engine's memory of devices as bytes: msgpack with a version."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec

from iotops.rules.anomaly import METHOD, MODELS
from iotops.rules.delay import Delay, Held
from iotops.rules.device import DeviceMemory
from iotops.rules.eviction import Span, kept_of
from iotops.rules.series import Series
from iotops.telemetry.reading import DeviceKey, Kind, Reading, Value

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


class _Held(msgspec.Struct, array_like=True):
    at_ms: int
    pause_ms: int
    kind: int
    received_ms: int
    connected_ms: int
    retained: bool
    values: dict[str, Value | None]


class _Delay(msgspec.Struct, array_like=True):
    started: bool
    clocks: list[int]
    online: bool | None
    metrics: dict[str, _Metric]
    held: list[_Held]


class _Device(msgspec.Struct, array_like=True):
    site: str
    device: str
    started: bool
    clocks: list[int]
    online: bool | None
    metrics: dict[str, _Metric]
    delayed: dict[int, _Delay] = msgspec.field(default_factory=dict)  # lateness -> what waits


class _Slot(msgspec.Struct, array_like=True):
    version: int
    devices: list[_Device]


_CLOCKS: Final = (
    "event_ms", "connected_ms", "received_ms", "heard_ms", "heard_paused_ms", "paused_ms", "first_ms", "every_ms",
    "ended_ms",  # absent from older snapshots
)  # fmt: skip
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Slot)
_decoder_of_views = msgspec.msgpack.Decoder(_Delay)
_decoder_of_series = msgspec.msgpack.Decoder(_Metric)


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
        msg = f"snapshot of slot {slot}: {error}; it is damaged"
        raise ValueError(msg) from error
    if found.version != VERSION:
        msg = f"snapshot of slot {slot}: version {found.version}, this program reads {VERSION}"
        raise ValueError(msg)
    for packed in found.devices:
        yield DeviceKey(packed.site, packed.device), _restorer(packed)


def copy_into(target: DeviceMemory, source: DeviceMemory) -> None:
    """Let a device's memory have clocks and samples of its own that are those of another."""
    _restore(target, _decoder_of_views.decode(_encoder.encode(_packed_view(source, []))))


def copied(series: Series, until_ms: int) -> Series:
    """Return the samples up to an instant, of which there are some, as a series of its own."""
    found = _restored(_decoder_of_series.decode(_encoder.encode(_packed_series(series))))
    if found.last_ms > until_ms:
        end = bisect_right(found.times, until_ms)
        del found.times[end:], found.values[end:]
        found.value, found.last_ms = found.values[-1], found.times[-1]
        found.good_ms, found.gaps, found.models = found.last_ms, (), {}
    return found


def _packed(device: DeviceMemory) -> _Device:
    own = _packed_view(device, [])
    delayed = {
        lateness_ms: _packed_view(delay.view, [_packed_held(held) for held in delay.held])
        for lateness_ms, delay in device.delayed.items()
    }
    return _Device(device.key.site, device.key.device, own.started, own.clocks, own.online, own.metrics, delayed)


def _packed_view(device: DeviceMemory, held: list[_Held]) -> _Delay:
    clocks = [getattr(device, name) for name in _CLOCKS]
    metrics = {name: _packed_series(series, kept_of(device, name)) for name, series in device.series.items()}
    return _Delay(device.started, clocks, device.online, metrics, held)


def _packed_held(held: Held) -> _Held:
    reading = held.reading
    return _Held(
        held.at_ms,
        held.pause_ms,
        reading.kind,
        reading.received_ms,
        reading.connected_ms,
        reading.retained,
        dict(reading.values),
    )


def _packed_series(series: Series, span: Span | None = None) -> _Metric:
    """Return a series, without those samples that could be evicted: when they are is nobody's business."""
    first = 0 if span is None else series.evictable(*span)
    return _Metric(
        series.times[first:],
        series.values[first:],
        series.value,
        series.last_ms,
        series.good_ms,
        series.times[first - 1] if first else series.lost_ms,
        series.every_ms,
        list(series.gaps),
        series.paused_ms,
        {season: (METHOD, model.state()) for season, model in series.models.items()},
    )


def _restorer(packed: _Device) -> Callable[[DeviceMemory], None]:
    def restore(device: DeviceMemory) -> None:
        _restore(device, packed)
        for lateness_ms, waiting in packed.delayed.items():
            delay = device.delayed[lateness_ms] = Delay(device, lateness_ms)
            _restore(delay.view, waiting)
            for held in waiting.held:
                delay.hold(held.at_ms, held.pause_ms, _restored_reading(device.key, held))

    return restore


def _restore(device: DeviceMemory, packed: _Device | _Delay) -> None:
    for name, value in zip(_CLOCKS, packed.clocks, strict=False):
        setattr(device, name, value)
    if device.facts.every_ms is not None:
        device.every_ms = device.facts.every_ms
    device.started = packed.started
    device.online = packed.online
    device.series = {name: _restored(metric) for name, metric in packed.metrics.items()}


def _restored_reading(key: DeviceKey, held: _Held) -> Reading:
    return Reading(
        key,
        held.at_ms,
        held.received_ms,
        held.values,
        connected_ms=held.connected_ms,
        kind=Kind(held.kind),
        retained=held.retained,
    )


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
