"""Rules that nobody has to write are there for those that ask for them, wherever rules are judged."""

from iotops.rules.authoring.rehearse import rehearse
from iotops.rules.compile import compile_rules
from iotops.rules.rulefile import parse_rules

ASKING = """
rules:
  - alert: hot
    when: temp > 30
    unless: firing(clock_skew)
    tests:
      - name: the clock is right, and then ahead
        given: {temp: 20x2 40x4, "@clock_ahead": 0x3 400x3}
        expect: {2m: warning, 3m: suppressed}
      - name: the clock is set right
        given: {temp: 20x2 40x4, "@clock_ahead": 400x4 0x2}
        expect: {2m: suppressed, 4m: warning}
  - alert: clocks_of_site
    per: site
    when: devices(firing(clock_skew)) >= 2
    tests:
      - name: two of three
        given:
          a: {"@clock_ahead": 0x2 400x3}
          b: {"@clock_ahead": 0x3 400x2}
          c: {"@clock_ahead": 0x5}
        expect: {3m: warning}
"""


def test_tests_beside_rules_know_built_in_alerts():
    """They fire there as they do live."""
    rules, findings = parse_rules({"rules.yaml": ASKING})

    assert not findings
    assert [result.passed for result in rehearse(rules)] == [True, True, True]


def test_rules_are_compiled_with_the_built_in_ones_and_say_the_same_when_compiled_again():
    """What a program says of its rules makes the same program, and the author's rules keep their places behind."""
    rules, _ = parse_rules({"rules.yaml": ASKING})
    program = compile_rules(rules)

    assert "clock_skew" in program.rule_set.rules
    assert list(rules.rules) == ["hot", "clocks_of_site"]
    assert compile_rules(program.rule_set).rule_set is program.rule_set
