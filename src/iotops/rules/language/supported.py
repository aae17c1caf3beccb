"""What the engine of this version evaluates. The language knows more; asking for the rest is a finding.

Whoever teaches the engine something adds its name here.
"""

FUNCTIONS = frozenset(
    {"abs", "age", "anomaly", "avg", "count", "delta", "devices", "firing", "forecast", "increase", "max", "median"}
    | {"min", "peers", "quantile", "range", "rate", "share", "stddev", "sum"}
)
