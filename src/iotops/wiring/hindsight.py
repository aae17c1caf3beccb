"""What rules would have raised."""

from typing import Any

from iotops.backtest.ask import Asked, ask
from iotops.backtest.run import Progress
from iotops.settings import Settings
from iotops.wiring.opening import open_database


def backtest(settings: Settings, asked: Asked, progress: Progress) -> dict[str, Any]:
    """Tell what rules would have raised over what is stored; see `iotops.backtest.ask.ask`."""
    with open_database(settings):  # is there, and of this version
        return ask(settings.database.url.get_secret_value(), asked, progress)
