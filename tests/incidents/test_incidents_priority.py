"""Priority: the matrix, and a derivation that people can read."""

import pytest

from iotops.incidents.priority import PRIORITIES, choose, derive, rederive
from iotops.rules.rule import Severity


@pytest.mark.parametrize(
    ("criticality", "severity", "priority"),
    [
        ("A", Severity.CRITICAL, "P1"),
        ("A", Severity.WARNING, "P2"),
        ("B", Severity.CRITICAL, "P2"),
        ("A", Severity.INFO, "P3"),
        ("B", Severity.WARNING, "P3"),
        ("C", Severity.CRITICAL, "P3"),
        ("B", Severity.INFO, "P4"),
        ("C", Severity.WARNING, "P4"),
        ("C", Severity.INFO, "P5"),
    ],
)
def test_impact_and_urgency_make_the_priority(criticality, severity, priority):
    """Criticality of the service gives the impact, severity the urgency, both together the priority."""
    found = derive(severity, "Till", criticality)

    assert found.value == priority
    assert found.reason["impact"]["because"] == f"criticality of service Till is {criticality}"
    assert found.reason["urgency"]["because"] == f"severity {severity.word}"


@pytest.mark.parametrize(
    ("severity", "priority"), [(Severity.CRITICAL, "P3"), (Severity.WARNING, "P4"), (Severity.INFO, "P5")]
)
def test_without_a_service_the_impact_is_the_lowest(severity, priority):
    """Nothing is known to depend on the device, so the impact is 3, and the reason says so."""
    found = derive(severity)

    assert found.value == priority
    assert found.reason["impact"] == {"value": 3, "because": "no service is known to depend on it"}


@pytest.mark.parametrize("chosen", PRIORITIES)
@pytest.mark.parametrize("severity", Severity)
def test_a_chosen_priority_only_gives_way_to_a_more_pressing_one(chosen, severity):
    """After a person chose, a derivation may raise the priority and never lowers it."""
    derived = derive(severity)
    by_ana = choose(chosen, derived.reason, "ana")

    found = rederive(by_ana.reason, severity)

    assert found.value == min(chosen, derived.value)
    assert (found.reason["set_by"], found.reason["derived"]) == ("ana", derived.value)


def test_a_milder_severity_returns_to_what_the_person_chose():
    """What rose above a person's choice falls back to the choice, not below it."""
    by_ana = choose("P4", derive(Severity.WARNING).reason, "ana")
    risen = rederive(by_ana.reason, Severity.CRITICAL)

    eased = rederive(risen.reason, Severity.INFO)

    assert (risen.value, eased.value) == ("P3", "P4")
