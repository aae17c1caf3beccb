"""How unusual the newest sample of a metric is."""

from typing import Any

from iotops.rules.language.nodes import Call
from iotops.rules.moment import Closure, Moment


def anomaly(call: Call, scope: Any) -> Closure:
    """Build `anomaly(x)` or `anomaly(x, season)`: the score of `iotops.rules.anomaly`, missing while cold or stale."""
    name = scope.metric(call.args[0])
    season_ms = scope.closure(call.args[1])(None) if len(call.args) > 1 else 0  # the same at all times, check saw to it
    scope.notes.seasons.setdefault(name, set()).add(season_ms)
    limit = scope.limit(name)

    def read(moment: Moment) -> float | None:
        series = moment.device.series.get(name)
        if series is None or series.value is None or moment.edge_ms > limit(moment):
            return None
        model = series.models.get(season_ms)
        return None if model is None else model.score

    return read
