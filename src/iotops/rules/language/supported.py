"""What the engine of this version evaluates. The language knows more; asking for the rest is a finding.

Whoever teaches the engine something adds its name here.
"""

FUNCTIONS = frozenset(
    {"abs", "age", "avg", "count", "delta", "firing", "forecast", "increase", "max", "median", "min", "quantile"}
    | {"range", "rate", "stddev", "sum"}
)
GROUPS = False  # `per` other than `device`
KEYS_TO_COME = frozenset({"sequence", "active"})
