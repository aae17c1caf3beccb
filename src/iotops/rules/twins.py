"""Which views of a device there are: one for each lateness of the rules that match it."""

from iotops.rules.compile import Program
from iotops.rules.delay import Delay
from iotops.rules.device import DeviceMemory
from iotops.rules.snapshot import copied, copy_into


def align(program: Program, device: DeviceMemory) -> None:
    """Give a device its plan, and a view of it for every lateness of the plan.

    A view that is new begins as the device stands, or, where rules have another lateness than before, as the view that
    they had: with its samples, and with what waits.
    """
    plan = device.plan = program.plan_of(device.facts)
    if not plan.delayed and not device.delayed:
        return
    before, device.delayed = device.delayed, {}
    gone = [delay for lateness_ms, delay in before.items() if lateness_ms not in plan.delayed]
    for lateness_ms, rules in plan.delayed.items():
        delay = before.get(lateness_ms) or _begun(device, lateness_ms, gone)
        device.delayed[lateness_ms] = delay
        view, view.facts, view.plan = delay.view, device.facts, rules
        if not view.started:
            view.learn_registration(device.facts)
        if device.facts.every_ms is not None:
            view.every_ms = device.facts.every_ms
    views = [delay.view for delay in (*device.delayed.values(), *gone)]
    for each in (device, *views):
        if each.plan is not None:
            _lend(each, [device, *views])


def _begun(device: DeviceMemory, lateness_ms: int, gone: list[Delay]) -> Delay:
    delay = Delay(device, lateness_ms)
    copy_into(delay.view, gone[0].view if gone else device)
    for held in gone[0].held if gone else ():
        delay.hold(held.at_ms, held.pause_ms, held.reading)
    return delay


def _lend(device: DeviceMemory, others: list[DeviceMemory]) -> None:
    """Let a view have the samples that others have of metrics which its rules read, and which it does not know.

    What is newer than the view itself still waits for it.
    """
    for metric in () if device.plan is None else device.plan.kept:
        if metric in device.series:
            continue
        known = next((each.series[metric] for each in others if metric in each.series), None)
        until_ms = _until_ms(device, metric)
        if known is not None and known.times and known.times[0] <= until_ms:
            device.series[metric] = copied(known, until_ms)


def _until_ms(device: DeviceMemory, metric: str) -> int:
    """Return up to when nothing of a metric waits: the clock passes what waits where a status came before it."""
    delay = device.front.delayed.get(device.lateness_ms)
    waiting = () if delay is None else delay.held
    first_ms = next((held.at_ms for held in waiting if metric in held.reading.values), None)
    return device.event_ms if first_ms is None else min(device.event_ms, first_ms - 1)
