"""The physics is plausible, repeats with its seed, and does not depend on how often anybody looks."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotops.telemetry.reading import DeviceKey
from simulators.faults import Fault
from simulators.noise import Noise
from simulators.physics import MODELS

HOUR_MS = 3_600_000
INSTANTS = st.integers(1_700_000_000_000, 1_900_000_000_000)
SEEDS = st.integers(0, 2**63)

BOUNDS = {
    "temp": (-21.3, -15.1),
    "power": (5, 630),
    "transactions": (0, 1_100),
    "response": (60, 400),
    "paper": (11.9, 100),
    "queue": (0, 8),
    "cpu": (1, 60),
    "rssi": (-76, -58),
    "clients": (1, 100),
    "rpm": (1_400, 1_550),
    "vibration": (1.2, 2.6),
    "flow": (20, 24),
    "amps": (26, 36),
    "bearing_temp": (44, 57),
    "hours": (0, 24.1),
    "level": (52, 72),
    "inflow": (0, 6),
    "outflow": (2, 4),
    "pressure": (6.8, 7.6),
    "motor_power": (9, 39),
    "oil_temp": (70, 81),
    "cash": (36.9, 97),
    "card_errors": (0, 6),
    "withdrawals": (0, 200),
    "overdue": (0, 0),
    "deliveries": (1, 1),
    "duty": (40, 70),
}


@pytest.mark.parametrize("type_", sorted(MODELS))
@settings(max_examples=150, deadline=None)
@given(seed=SEEDS, at_ms=INSTANTS)
def test_healthy_device_stays_within_plausible_bounds(type_, seed, at_ms):
    """Without a fault every metric of every type stays where a healthy machine's does, at any instant of any seed."""
    values = MODELS[type_](noise=Noise(seed)).values(at_ms, at_ms - 24 * HOUR_MS, ())

    for metric, value in values.items():
        if not isinstance(value, bool | str):
            low, high = BOUNDS[metric]
            assert low <= value <= high, metric


@pytest.mark.parametrize("type_", sorted(MODELS))
@given(seed=SEEDS, at_ms=INSTANTS)
def test_same_seed_and_instant_say_the_same(type_, seed, at_ms):
    """The physics is a function of seed and time: whatever was asked before changes nothing."""
    model, again = MODELS[type_](noise=Noise(seed)), MODELS[type_](noise=Noise(seed))
    model.values(at_ms - 12_345, 0, ())

    assert model.values(at_ms, 0, ()) == again.values(at_ms, 0, ())


@pytest.mark.parametrize("type_", sorted(MODELS))
def test_values_name_exactly_the_metrics_that_the_model_declares(type_):
    """Fleet files are checked against METRICS, so METRICS must be what is said."""
    assert tuple(MODELS[type_](noise=Noise(1)).values(10**12, 0, ())) == MODELS[type_].METRICS


@given(seed=SEEDS, at_ms=INSTANTS, later_ms=st.integers(0, 48 * HOUR_MS))
def test_sales_never_fall(seed, at_ms, later_ms):
    """A counter without a reboot only rises."""
    till = MODELS["pos"](noise=Noise(seed))

    before = till.values(at_ms, at_ms - HOUR_MS, ())["transactions"]

    assert before <= till.values(at_ms + later_ms, at_ms - HOUR_MS, ())["transactions"]


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, at_ms=INSTANTS)
def test_tank_conserves_mass(seed, at_ms):
    """Over ten minutes the level changes by what the meters say, within their noise."""
    tank = MODELS["tank"](noise=Noise(seed))
    samples = [tank.values(at_ms + second * 1000, 0, ()) for second in range(0, 601, 10)]

    net_l = sum(sample["inflow"] - sample["outflow"] for sample in samples) / len(samples) * 600

    assert samples[-1]["level"] - samples[0]["level"] == pytest.approx(net_l / tank.capacity_l * 100, abs=0.6)


def a_fault(kind, hours, amount=0.0):
    return Fault("f", kind, DeviceKey("s", "d"), 10**12, 10**12 + int(hours * HOUR_MS), amount=amount)


def test_open_door_warms_a_freezer_and_a_shut_one_cools_it():
    """Half an hour open makes it far too warm; an hour after it is shut nothing is left of that."""
    fault = a_fault("door_left_open", 0.5)
    freezer = MODELS["freezer"](noise=Noise(7))

    warm = freezer.values(fault.to_ms - 1, 0, [fault])
    cold = freezer.values(fault.to_ms + HOUR_MS, 0, [fault])

    assert warm["temp"] > -10
    assert warm["door"] == "open"
    assert cold["temp"] == pytest.approx(freezer.values(fault.to_ms + HOUR_MS, 0, ())["temp"], abs=0.3)


def test_leak_takes_from_the_tank_what_no_meter_sees():
    """A leak of 24 % an hour costs 12 % in half an hour while both meters say the same as without it."""
    fault = a_fault("leak", 1, amount=24.0)
    tank = MODELS["tank"](noise=Noise(7))
    at_ms = fault.from_ms + HOUR_MS // 2

    leaking, sound = tank.values(at_ms, 0, [fault]), tank.values(at_ms, 0, ())

    assert sound["level"] - leaking["level"] == pytest.approx(12.0, abs=0.02)
    assert (leaking["inflow"], leaking["outflow"]) == (sound["inflow"], sound["outflow"])


def test_leak_loads_a_compressor():
    """Air that leaks is air to be made: duty rises by the leak's amount, and with it the oil's temperature."""
    fault = a_fault("leak", 1, amount=30.0)
    compressor = MODELS["compressor"](noise=Noise(7))

    leaking = compressor.values(fault.from_ms + 1, 0, [fault])
    sound = compressor.values(fault.from_ms + 1, 0, ())

    assert leaking["duty"] - sound["duty"] == pytest.approx(30.0, abs=0.1)
    assert leaking["oil_temp"] > sound["oil_temp"]


@given(seed=SEEDS, index=st.integers(-(2**40), 2**40))
def test_noise_keeps_its_bounds(seed, index):
    """Bounds on the noise are what the bounds on the physics are built on."""
    noise = Noise(seed)

    assert 0.0 <= noise.unit(index) < 1.0
    assert abs(noise.bell(index)) <= 3.5
    assert abs(noise.smooth(index / 7.0, 60.0)) <= 1.0


def test_every_parameter_of_a_model_is_a_number():
    """Fleet files set parameters as numbers, so every field but the noise must be one."""
    for model in MODELS.values():
        values = [getattr(model(noise=Noise(1)), field.name) for field in dataclasses.fields(model)]
        assert all(isinstance(value, float | int | Noise) for value in values)
