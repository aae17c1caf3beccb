"""One simulated device: when it speaks, and what it says under its faults."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from iotops.telemetry.reading import DeviceKey, Value
from simulators.faults import KINDS, OUTAGES, Fault
from simulators.faults.values import FALSIFY
from simulators.noise import Noise, seed_of
from simulators.population import Member

LONGEST_UPTIME_S = 30 * 86_400  # how long ago a device may have booted when a run begins
_ENCODER = msgspec.json.Encoder()


class Utterance(NamedTuple):
    """One message as it is to be published; `turn` says what it means for the device's connection."""

    key: DeviceKey
    leaf: str
    boot: str
    seq: int
    ts: int
    payload: bytes
    retain: bool = False
    turn: str = ""  # `down` where it stands for the last will of a device that has one, `up` when it boots again

    @property
    def topic(self) -> str:
        """Return the MQTT topic."""
        return f"iot/{self.key.site}/{self.key.device}/{self.leaf}"


class Device:
    """A device on its own clock; `next_ms` is when it has something to do, `speak()` does it.

    Args:
        member: what it is.
        faults: its own faults and its gateway's outages.
        seed: of the run.
        start_ms: when the run begins; the device booted some time before.
        every_ms: its interval.
    """

    def __init__(self, member: Member, faults: Sequence[Fault], *, seed: int, start_ms: int, every_ms: int) -> None:
        self.key = member.key
        self._member = member
        self._model = member.physics(seed)
        self._noise = Noise(seed_of(seed, "speech", *member.key))
        self._identity = seed_of(seed, start_ms, *member.key)
        own = [fault for fault in faults if fault.key == member.key]
        self._world = tuple(fault for fault in own if KINDS[fault.kind].acts_on == "world")
        self._sensor = tuple(fault for fault in own if fault.metric is not None)
        self._speech = tuple(f for f in own if KINDS[f.kind].acts_on == "speech" and f.metric is None)
        self._muted = tuple(fault for fault in faults if fault.key != member.key)
        self._every_ms = every_ms
        self._sample_ms = start_ms + 1 + int(self._noise.unit(-1) * every_ms)
        edges = [(start_ms, 1)]
        for fault in own:
            if fault.kind in OUTAGES:
                edges += [(fault.from_ms, 0), (fault.to_ms, 1)]
        self._edges = sorted(edges, reverse=True)
        self._boot_ms = start_ms - int(self._noise.between(-2, 0.1, 1.0) * LONGEST_UPTIME_S) * 1000
        self._boots = 0
        self._seq = 0
        self._held: list[Utterance] = []
        self._on = True

    @property
    def next_ms(self) -> int:
        """Return the event time at which the device acts next, Unix ms."""
        return min(self._sample_ms, self._edges[-1][0]) if self._edges else self._sample_ms

    def speak(self) -> list[Utterance]:
        """Act at `next_ms` and return what is to be published, in order; often nothing."""
        at_ms = self.next_ms
        said: list[Utterance] = []
        while self._edges and self._edges[-1][0] == at_ms:
            said += self._edge(at_ms, self._edges.pop()[1])
        if self._sample_ms == at_ms:
            self._sample_ms += self._every_ms
            if self._on:
                said += self._sample(at_ms)
        return said

    def status(self, at_ms: int, state: str = "online", turn: str = "") -> Utterance:
        """Return a retained status message with the device's labels."""
        labels = {name: text for name, text in self._member.labels.items() if state == "online"}
        return self._utter("status", at_ms, {"state": state, **labels}, retain=True, turn=turn)

    def readings(self, at_ms: int) -> dict[str, Value | None]:
        """Return what the sensors say at an instant, faults included."""
        world = [fault for fault in self._world if fault.from_ms <= at_ms]
        values: dict[str, Value | None] = dict(self._model.values(at_ms, self._boot_ms, world))
        for fault in self._sensor:
            if fault.active(at_ms) and fault.metric is not None:
                now = values[fault.metric]
                began = self._model.values(fault.from_ms, self._boot_ms, ())[fault.metric]
                values[fault.metric] = None if now is None else FALSIFY[fault.kind](fault, now, began, at_ms)
        values["uptime"] = (at_ms - self._boot_ms) // 1000
        return values

    def _edge(self, at_ms: int, up: int) -> list[Utterance]:
        if not up:
            self._on = False
            self._held.clear()
            # Whoever has no connection of its own just falls silent: no broker can say that it is gone.
            return [self.status(at_ms, "offline", "down")] if self._member.gateway is None else []
        if not self._on:
            self._boot_ms, self._boots, self._seq = at_ms, self._boots + 1, 0
        self._on = True
        return self._unless_muted(at_ms, [self.status(at_ms, turn="up")])

    def _sample(self, at_ms: int) -> list[Utterance]:
        faults = {fault.kind: fault for fault in self._speech if fault.active(at_ms)}
        skew = faults.get("clock_skew")
        ts = at_ms + round(skew.amount * 1000) if skew else at_ms
        said = [self._utter("telemetry", ts, self.readings(at_ms))]
        if "dropout" in faults:
            said = []
        if "duplicates" in faults and self._noise.unit(self._seq) < faults["duplicates"].amount:
            said *= 2
        return self._unless_muted(at_ms, self._reorder(said, faults.get("reordering")))

    def _reorder(self, said: list[Utterance], fault: Fault | None) -> list[Utterance]:
        """Hold readings back until there are enough to shuffle; what is held when the fault ends goes out first."""
        self._held += said
        if fault is not None and len(self._held) < fault.amount:
            return []
        out, self._held = self._held, []
        if fault is not None:
            out.sort(key=lambda held: self._noise.unit(held.seq))
            if all(a.seq < b.seq for a, b in pairwise(out)):
                out.reverse()
        return out

    def _unless_muted(self, at_ms: int, said: list[Utterance]) -> list[Utterance]:
        return [] if any(fault.active(at_ms) for fault in self._muted) else said

    def _utter(
        self, leaf: str, ts: int, members: dict[str, Value | None], *, retain: bool = False, turn: str = ""
    ) -> Utterance:
        seq, boot = self._seq, f"{(self._identity + self._boots) & 0xFFFFFFFFFFFF:012x}"
        self._seq += 1
        payload = _ENCODER.encode({"ts": ts, "seq": seq, "boot": boot, **members})
        return Utterance(self.key, leaf, boot, seq, ts, payload, retain, turn)
