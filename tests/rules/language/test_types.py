"""Types: which expressions make sense, and the first words about those that do not."""

import pytest

from iotops.rules.language.parser import parse
from iotops.rules.language.scope import Scope
from iotops.rules.language.signatures import QUANTITY, REPORTED, SIGNATURES, Kind
from iotops.rules.language.supported import FUNCTIONS
from iotops.rules.language.types import check_condition, check_value
from iotops.rules.rule import MetricSpec, Parameter

SCOPE = Scope(
    {"limit": Parameter(number=8), "patience": Parameter(ms=60_000)},
    {
        "temp": MetricSpec("temp"),
        "total": MetricSpec("total", "counter"),
        "valve": MetricSpec("valve", "state"),
        "alarm": MetricSpec("alarm", "event"),
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "temp > limit",
        "age() > patience",
        "patience / 30s > limit",
        "2 * patience + every - 5s > age(temp)",
        "temp * 1s > patience",
        "valve == 'open' or valve == 3 or valve == true or valve",
        "unlisted == 'open' and unlisted2 > 3 and unlisted3",
        "alarm == 'motion' or event in ['smoke', 'fire']",
        "online and not online == false",
        "site == 'paris' and device.limit > temp and device.patience < age() and device.type != 'x'",
        "avg(temp[5m] * 9 / 5 + 32) > 100",
        "count(temp[5] > limit) >= 3 and count(temp[5m]) < 3 and count(alarm[1h] == 'motion') > 2",
        "count(not 2 <= temp[5] <= limit) > 1",
        "abs(patience) > 3s and abs(-temp) > 1 and abs(delta(temp[2])) > 3",
        "increase(total[1h]) > 3 and rate(total[1h]) > 0.5",
        "firing(a) or firing(b, gateway)",
        "age(event) > 1h",
        "temp in [1, limit, 3.5]",
        "`limit` == 'text'",
        "-patience < 0s",
    ],
)
def test_expression_that_makes_sense_has_no_complaint(text):
    """Nothing is said about an expression whose parts fit."""
    assert check_condition(parse(text).root, SCOPE) == ()


@pytest.mark.parametrize(
    ("text", "place", "code", "message"),
    [
        ("temp", "temp", "not-a-condition", "a condition is true or false, this is a number"),
        ("age()", "age()", "not-a-condition", "a condition is true or false, this is a duration"),
        ("temp > patience", "patience", "type-mismatch", "cannot compare a number with a duration by >"),
        ("age() > 300", "300", "type-mismatch", "cannot compare a duration with a number by >"),
        ("unlisted > 10m", "10m", "type-mismatch", "cannot compare a metric with a duration by >"),
        ("temp == 'hot'", "'hot'", "type-mismatch", "cannot compare a number with a text by =="),
        ("site > 'a'", "'a'", "type-mismatch", "cannot compare a text with a text by >"),
        ("online > 0", "0", "type-mismatch", "cannot compare a truth value with a number by >"),
        ("1 < temp < 'x'", "'x'", "type-mismatch", "cannot compare a number with a text by <"),
        ("temp in ['a', 'b']", "['a', 'b']", "type-mismatch", "cannot compare a number with a text by in"),
        ("temp in 3", "3", "list-expected", '"in" needs a list on its right'),
        ("[1] == temp", "[1]", "list-misplaced", 'a list stands only on the right of "in"'),
        ("temp in [[1]]", "[1]", "list-misplaced", 'a list stands only on the right of "in"'),
        ("temp + 'a' > 3", "temp + 'a'", "type-mismatch", "a number + a text makes no sense"),
        ("age() + 3 > 3s", "age() + 3", "type-mismatch", "a duration + a number makes no sense"),
        ("every / 2 < age()", "every / 2", "type-mismatch", "a duration / a number makes no sense"),
        ("every * every > 3", "every * every", "type-mismatch", "a duration * a duration makes no sense"),
        ("-online == true", "online", "type-mismatch", "a minus needs a number or a duration, this is a truth value"),
        ("not temp", "temp", "type-mismatch", '"not" needs a condition, this is a number'),
        ("online and temp", "temp", "type-mismatch", '"and" needs conditions on both sides, this is a number'),
        ("temp[5] > 3", "temp[5]", "window-outside-function", "a window stands only inside a function over windows"),
        (
            "abs(temp[5]) > 3",
            "temp[5]",
            "window-outside-function",
            "a window stands only inside a function over windows",
        ),
        (
            "temp in [total[5]]",
            "total[5]",
            "window-outside-function",
            "a window stands only inside a function over windows",
        ),
        ("avg(temp) > 3", "temp", "window-expected", "avg() looks back over a window, and none is given"),
        ("count(temp > 3) > 3", "temp > 3", "window-expected", "count() looks back over a window, and none is given"),
        ("avg(temp[5] - total[5]) > 3", "total[5]", "several-windows", "avg() takes exactly one window, found 2"),
        (
            "avg(temp[5] > 3) > 3",
            "temp[5] > 3",
            "type-mismatch",
            "avg() works on numbers, and each sample gives a truth value",
        ),
        ("sum(alarm[5]) > 3", "alarm[5]", "type-mismatch", "sum() works on numbers, and each sample gives a text"),
        (
            "sum(abs(temp[5])) > 3",
            "abs(temp[5])",
            "function-in-window",
            "abs() cannot stand inside the window of sum()",
        ),
        (
            "max(temp[5] - avg(temp[9])) > 3",
            "avg(temp[9])",
            "function-in-window",
            "avg() cannot stand inside the window of max()",
        ),
        ("avg(limit[5]) > 3", "limit", "not-a-metric", '"limit" is no metric, and has no samples to look back on'),
        ("avg(every[5]) > 3", "every", "not-a-metric", '"every" is no metric, and has no samples to look back on'),
        ("mean(temp[5]) > 3", "mean", "unknown-function", 'there is no function "mean"'),
        ("avg() > 3", "avg()", "wrong-arguments", "avg() takes 1 argument, found 0"),
        ("age(temp, 3) > 3s", "age(temp, 3)", "wrong-arguments", "age() takes 0 or 1 arguments, found 2"),
        ("age(limit) > 3s", "limit", "wrong-arguments", "age() takes a metric here, as a plain name"),
        ("firing('a')", "'a'", "wrong-arguments", "firing() takes the name of a rule here, as a plain name"),
        (
            "firing(a, device.gw)",
            "device.gw",
            "wrong-arguments",
            "firing() takes the name of a label here, as a plain name",
        ),
        ("abs(site) > 3", "site", "type-mismatch", "abs() takes a number or a duration, this is a text"),
    ],
)
def test_expression_that_makes_no_sense_is_named_at_its_place(text, place, code, message):
    """One complaint names the part that does not fit, and why."""
    root = parse(text).root

    (found,) = check_condition(root, SCOPE)

    assert (place, code, message) == (text[found.node.start : found.node.end], found.code, found.message)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("temp", Kind.NUMBER),
        ("unlisted", REPORTED),
        ("age()", Kind.DURATION),
        ("abs(every)", Kind.DURATION),
        ("abs(temp - 3)", Kind.NUMBER),
        ("every / 1m", Kind.NUMBER),
        ("device.limit * 2", QUANTITY),
        ("device.limit + device.limit", QUANTITY),
        ("name", Kind.TEXT),
        ("event", Kind.TEXT),
        ("temp > 3", Kind.TRUTH),
        ("count(temp[5] > 3)", Kind.NUMBER),
    ],
)
def test_value_is_of_its_kind(text, kind):
    """The kind of a value follows from its parts."""
    assert ((), kind) == check_value(parse(text).root, SCOPE)


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_function_of_the_language_is_either_evaluated_or_said_to_come(name):
    """Every function type-checks; one that the engine lacks is answered by `not-yet` at its name."""
    calls = {
        "NUMBERS": "temp[5]",
        "WINDOW": "temp[5]",
        "METRIC": "temp",
        "QUANTITY": "temp",
        "NUMBER": "0.5",
        "DURATION": "1h",
        "CONDITION": "temp > 3",
        "RULE": "other",
        "LABEL": "site",
    }
    text = f"{name}({', '.join(calls[takes.name] for takes in SIGNATURES[name].takes)})"

    complaints, _ = check_value(parse(text).root, SCOPE)

    expected = [] if name in FUNCTIONS else [("not-yet", name)]
    assert expected == [(found.code, text[found.node.start : found.node.end]) for found in complaints]
