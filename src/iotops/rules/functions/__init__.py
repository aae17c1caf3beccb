"""The functions that rules can call. A new one is a file here and a line in the table."""

from collections.abc import Mapping

from iotops.rules.functions.across import devices, peers, share
from iotops.rules.functions.aggregates import average, counted, largest, smallest, total
from iotops.rules.functions.anomaly import anomaly
from iotops.rules.functions.changes import delta, increase, rate, span
from iotops.rules.functions.forecast import forecast
from iotops.rules.functions.quantile import median, quantile
from iotops.rules.functions.shapes import Build, of_number, over_window
from iotops.rules.functions.standing import age, firing
from iotops.rules.functions.stddev import stddev
from iotops.rules.values import absolute

FUNCTIONS: Mapping[str, Build] = {
    "abs": of_number(absolute),
    "age": age,
    "anomaly": anomaly,
    "avg": over_window(average),
    "count": over_window(counted),
    "delta": over_window(delta),
    "devices": devices,
    "firing": firing,
    "forecast": over_window(forecast),
    "increase": over_window(increase),
    "max": over_window(largest),
    "median": over_window(median),
    "min": over_window(smallest),
    "peers": peers,
    "quantile": over_window(quantile),
    "range": over_window(span),
    "rate": over_window(rate),
    "share": share,
    "stddev": over_window(stddev),
    "sum": over_window(total),
}
