"""What would come: the engine itself, run on from where it stands over readings that repeat what was sent last."""

from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from itertools import chain, islice, pairwise
from statistics import median_low
from typing import Any, Final, NamedTuple

from iotops.rules.alert import AlertKey, Change, Transition
from iotops.rules.authoring.explanation import Coming
from iotops.rules.authoring.replay import replay, restarted, run_timers
from iotops.rules.compile import Program
from iotops.rules.compiled import CompiledRule
from iotops.rules.device import DeviceMemory
from iotops.rules.memory import Memory
from iotops.rules.moment import Moment
from iotops.rules.readers import PRESENCE
from iotops.rules.series import GAPS, STALE_FACTOR, UNKNOWN_EVERY_MS, Series
from iotops.telemetry.reading import DeviceKey, Kind, Reading

STAYS: Final = "values stay"
SILENCE: Final = "silence"
MAX_READINGS: Final = 5_000  # looked ahead: a day of one device at 20 s; under a second
SILENT_MS: Final = 30 * 86_400_000  # without samples there are timers only, and few of them
_MOST: Final = 6  # changes that are told


class _Beat(NamedTuple):
    """The next sample of one metric of one device; without a metric, that it is heard at all."""

    connected_ms: int
    key: DeviceKey
    at_ms: int
    gap_ms: int
    metric: str
    value: Any


def outlook(program: Program, memory: Memory, key: AlertKey, connected_ms: int) -> tuple[Coming, ...]:
    """Return what would happen to an instance from an instant of connected time on. Memory stays as it is.

    Looked ahead is as far as the rule remembers: with values that stay, nothing new happens after its windows and
    holds have run through, nor after `MAX_READINGS`.
    """
    until_ms = connected_ms + _memory_ms(memory, key.rule, connected_ms)
    staying: list[Transition] = []
    fork = _forked(program, memory, connected_ms)
    for reading in islice(chain(_repeated(memory, connected_ms), [None]), MAX_READINGS):
        if reading is None or reading.connected_ms > until_ms or len(staying) >= _MOST:
            staying += _of(key, run_timers(program, fork, until_ms))
            break
        staying += _of(key, replay(program, [reading], fork))
    silent = _of(key, run_timers(program, _forked(program, memory, connected_ms), connected_ms + SILENT_MS))
    return (*_told(STAYS, staying), *_told(SILENCE, silent))


def _forked(program: Program, memory: Memory, connected_ms: int) -> Memory:
    """Return a memory of its own that stands at the same instant.

    It begins at the newest readings, so what timers did since then is done once more, and is no news.
    """
    fork = restarted(memory)
    run_timers(program, fork, connected_ms)
    return fork


def _of(key: AlertKey, transitions: list[Transition]) -> list[Transition]:
    return [each for each in transitions if each.alert.key == key]


def _told(supposed: str, found: list[Transition]) -> Iterator[Coming]:
    for each in found[:_MOST]:
        yield Coming(supposed, each.at_ms, Change(each.change).value, each.alert.severity.word, each.reason)


def _repeated(memory: Memory, connected_ms: int) -> Iterator[Reading]:
    """Yield, without end, what the devices would send if each metric went on at its pace with its last value.

    A metric that is silent stays silent, one that comes without a usable value goes on so, and events do not repeat.
    """
    beats = [beat for device in memory for beat in _beats(device, connected_ms)]
    heapify(beats)
    while beats:
        first = beats[0]
        values: dict[str, Any] = {}
        while beats and beats[0][:3] == first[:3]:
            beat = heappop(beats)
            if beat.metric:
                values[beat.metric] = beat.value
            connected_ms, at_ms = beat.connected_ms + beat.gap_ms, beat.at_ms + beat.gap_ms
            heappush(beats, beat._replace(connected_ms=connected_ms, at_ms=at_ms))
        device = memory.get(first.key)
        received_ms = first.at_ms if device is None else device.received_ms + first.connected_ms - device.connected_ms
        yield Reading(first.key, first.at_ms, received_ms, values, connected_ms=first.connected_ms, kind=Kind.TELEMETRY)


def _beats(device: DeviceMemory, connected_ms: int) -> Iterator[_Beat]:
    now_ms = device.clock_ms(connected_ms)
    found = 0
    for metric, series in _followed(device).items():
        last_ms, value = _last_of(device, metric, series)
        gap_ms = _gap(series)
        if metric == PRESENCE or _is_event(device, metric) or now_ms > last_ms + STALE_FACTOR * gap_ms:
            continue
        found += 1
        yield _beat(device, metric, value, _next(last_ms, gap_ms, now_ms), gap_ms)
    if not found and now_ms <= device.heard_until_ms():  # it speaks of other things, which nobody follows
        yield _beat(device, "", None, _next(device.heard_ms, device.every_ms, now_ms), device.every_ms)


def _followed(device: DeviceMemory) -> dict[str, Series]:
    """Return metric -> its samples, as the rules see it that wait least for what comes late."""
    views = [delay.view for _, delay in sorted(device.delayed.items(), reverse=True)]
    return {metric: series for each in (*views, device) for metric, series in each.series.items()}


def _last_of(device: DeviceMemory, metric: str, series: Series) -> tuple[int, Any]:
    """Return time and value of what a metric said last, although it may wait for what comes late."""
    last = (series.last_ms, series.value)
    for delay in device.delayed.values():
        for held in delay.held:
            if metric in held.reading.values and held.at_ms > last[0]:
                last = (held.at_ms, held.reading.values[metric])
    return last


def _beat(device: DeviceMemory, metric: str, value: Any, at_ms: int, gap_ms: int) -> _Beat:
    return _Beat(device.connected_at(at_ms), device.key, at_ms, gap_ms, metric, value)


def _next(last_ms: int, gap_ms: int, now_ms: int) -> int:
    return last_ms + ((now_ms - last_ms) // gap_ms + 1) * gap_ms


def _is_event(device: DeviceMemory, metric: str) -> bool:
    plans = () if device.plan is None else (device.plan, *device.plan.delayed.values())
    return any(metric in rule.notes.events for plan in plans for rule in plan.event_rules)


def _gap(series: Series) -> int:
    """Return the pace at which a metric really came lately; what is declared counts where nothing is known."""
    gaps = [later - earlier for earlier, later in pairwise(series.times[-GAPS - 1 :])]
    return max(1, median_low(gaps) if gaps else series.every_ms or UNKNOWN_EVERY_MS)


def _memory_ms(memory: Memory, rule: str, connected_ms: int) -> int:
    """Return how far ahead a rule, and those that it asks for, may turn: windows, holds, ages, staleness, waits."""
    found, pending, total_ms = set[str](), [rule], 0
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        watching = [
            (device, device.plan.by_id[name])
            for device in memory
            if device.plan is not None and name in device.plan.by_id
        ]
        total_ms += max((_own_ms(memory, device, compiled, connected_ms) for device, compiled in watching), default=0)
        pending += [
            cause
            for _, compiled in watching
            for notes in (compiled.notes, *compiled.asked)
            for cause, _ in notes.causes
        ]
    return total_ms


def _own_ms(memory: Memory, device: DeviceMemory, rule: CompiledRule, connected_ms: int) -> int:
    series_of = _followed(device)
    gap_ms = max((_gap(series) for name, series in series_of.items() if name != PRESENCE), default=UNKNOWN_EVERY_MS)
    every = (rule.notes, *rule.asked)
    spans_ms = max((span_ms for notes in every for span_ms in notes.spans_ms.values()), default=0)
    counted_ms = gap_ms * max((count for notes in every for count in notes.counts.values()), default=0)
    holds_ms = max(rule.machine.hold_ms, default=0) + rule.machine.keep_ms
    if rule.rule.sequence is not None:
        holds_ms += sum(step.within_ms or 0 for step in rule.rule.sequence.steps)
    if rule.machine.active is not None:  # what is ready waits for the active times to begin
        now_ms = device.clock_ms(connected_ms)
        holds_ms += (rule.machine.active.next_begin(now_ms) or now_ms) - now_ms
    stale_ms = rule.rule.stale_ms or STALE_FACTOR * gap_ms
    turns_ms = max(spans_ms, counted_ms, _ages_ms(memory, device, rule, connected_ms))
    return turns_ms + holds_ms + 2 * (stale_ms + gap_ms) + rule.lateness_ms


def _ages_ms(memory: Memory, device: DeviceMemory, rule: CompiledRule, connected_ms: int) -> int:
    """Return after how long time alone turns the rule's comparisons, the last of them."""
    now_ms = device.clock_ms(connected_ms) - rule.lateness_ms
    device = device.seen_by(rule.lateness_ms)
    moment = Moment(memory)
    moment.at(device, now_ms, False, rule.asof_ms(device))
    crossings = (*rule.crossings, *(crossing for notes in rule.asked for crossing in notes.crossings))
    turns = (crossing.next_ms(moment) for crossing in crossings)
    return max((at_ms - now_ms for at_ms in turns if at_ms is not None), default=0)
