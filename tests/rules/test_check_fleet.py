"""Rules against the devices that there are."""

import pytest

from iotops.rules.authoring.check import check, examined
from iotops.rules.authoring.fleet import Member
from iotops.rules.authoring.footprint import footprint

FLEET = (
    Member({"site": "paris", "device": "fz-1", "name": "fz-1", "type": "freezer"}, frozenset({"temp", "door"})),
    Member({"site": "paris", "device": "fz-2", "name": "fz-2", "type": "freezer", "model": "x"}, frozenset({"temp"})),
    Member({"site": "paris", "device": "p-1", "name": "p-1", "type": "pump"}, frozenset({"flow"})),
)


def found(rule, fleet=FLEET, before=""):
    return [str(finding) for finding in check({"r.yaml": f"{before}rules:\n  - alert: r\n{rule}"}, fleet)]


FINE = {
    "a metric that some devices report": "    match: {type: freezer}\n    when: door == 'open' or temp > 8\n",
    "a label that one device has": "    match: {type: freezer}\n    when: device.model == 'x'\n",
    "a glob": '    match: {type: "free*"}\n    when: temp > 8\n',
    "no metric at all": "    when: age() > 3 * every and not online and event == 'x' and site == 'paris'\n",
    "a parameter": "    params: {tempo: 8}\n    when: temp > tempo\n",
}


@pytest.mark.parametrize("case", FINE)
def test_what_the_devices_have_is_not_remarked_upon(case):
    """No false alarm: one device that reports the metric, or has the label, is enough."""
    assert found(FINE[case]) == []


def test_metric_that_no_matching_device_reports_is_an_error():
    """With the metric that was meant, and on how many of the matched devices it was seen."""
    assert found("    match: {type: freezer}\n    when: tmp > 8\n") == [
        (
            'r.yaml:4:11: error[unknown-metric]: no device that matches reports a metric "tmp"\n'
            "  4 |     when: tmp > 8\n"
            '    |           ^^^ did you mean "temp"? (seen on 2 of 2 matched devices)'
        )
    ]
    (pump,) = found("    match: {type: pump}\n    when: temp > 8\n    summary: ${flow:.1f}\n")
    assert 'no device that matches reports a metric "temp"' in pump


def test_declared_metric_may_be_yet_to_come():
    """The catalogue knows it, so it is no slip of the pen."""
    (finding,) = found("    when: humidity > 8\n", before="metrics: {humidity: {kind: gauge}}\n")

    assert "warning[unknown-metric]" in finding


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{type: freezr}", "no device has type freezr\n"),
        ("{typ: freezer}", 'no device has a label "typ"\n'),
        ("{type: freezer, model: y}", "no device has model y\n"),
        ("{type: pump, model: x}", "no device matches\n"),
    ],
)  # fmt: skip
def test_match_that_no_device_fits_is_a_warning_at_the_value_to_blame(match, expected):
    """Label, value, or the combination."""
    (finding,) = found(f"    match: {match}\n    when: temp > 8\n")

    assert f"]: {expected}" in finding
    assert "type freezr" not in expected or 'did you mean "freezer"? (seen on 2 of 3 devices)' in finding


def test_label_that_no_matching_device_has_is_a_warning():
    """`device.LABEL` is missing then, and what it is compared with unknown."""
    (finding,) = found("    match: {type: pump}\n    when: flow > 1 and device.modell == 'x'\n")

    assert 'warning[unknown-label]: no device that matches has a label "modell"' in finding


def test_empty_registry_is_said_once_a_rule():
    """Without any device there is nothing to compare with."""
    (finding,) = found("    when: temp > 8\n", fleet=())

    assert "no device is registered" in finding


def test_memory_is_that_of_the_longest_window_of_each_metric_once():
    """Two rules over one metric share its samples; a declared interval says how many there are."""
    text = (
        "metrics: {temp: {kind: gauge, every: 10s}}\nrules:\n  - alert: a\n    when: avg(temp[1h]) > 8\n"
        "  - alert: b\n    when: max(temp[2h]) > 8 or temp > 9\n"
    )
    long = examined({"r.yaml": text})
    short = examined({"r.yaml": text.replace("2h", "1m")})

    taken = footprint(long.sound, long.catalogue, FLEET)

    assert 720 * 60 < taken.per_device < 720 * 90
    assert taken.total == 2 * taken.per_device
    assert footprint(long.sound, long.catalogue, None).total is None
    assert footprint(short.sound, short.catalogue, FLEET).per_device < 0.6 * taken.per_device


def test_memory_counts_a_lateness_once_more_with_what_waits():
    """Rules with the same lateness share a copy of the samples; the longer it is, the more readings wait."""
    text = "metrics: {temp: {kind: gauge, every: 10s}}\nrules:\n  - {alert: a, when: 'avg(temp[1h]) > 8'}\n"
    late = "  - {{alert: {0}, when: 'avg(temp[1h]) > 9', lateness: {1}}}\n"

    def taken(*others):
        found = examined({"r.yaml": text + "".join(late.format(*other) for other in others)})
        return footprint(found.sound, found.catalogue, FLEET).per_device

    prompt, short, long = taken(), taken(("b", "1m")), taken(("b", "20m"))

    assert short > 2 * prompt
    assert long - short == (120 - 6) * (taken(("b", "70s")) - short)  # of one reading every 10 s
    assert taken(("b", "20m"), ("c", "20m")) == long
    assert taken(("b", "20m"), ("c", "1m")) == long + short - prompt
    assert taken(("b", "1d")) == taken(("b", "12h"))  # no more wait than may
