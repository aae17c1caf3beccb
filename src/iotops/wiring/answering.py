"""The process of the API and the console."""

from functools import partial

from iotops import logs
from iotops.api.app import create_app
from iotops.api.listening import listen_address
from iotops.api.server import api_server
from iotops.checkup import check_up
from iotops.console.app import add_console
from iotops.processes import Report
from iotops.settings import Settings
from iotops.supervision import stop_event
from iotops.wiring.garbage import collect_seldom, keep_what_is_there
from iotops.wiring.greeting import greet
from iotops.wiring.opening import open_database

VERSION = "0.1.0"


def run_api(settings: Settings, *, greets: bool = True) -> None:
    """Run the API and the console until SIGTERM or SIGINT; on loopback it prints a fresh admin token first."""
    logs.configure()
    stop_event()  # uvicorn raises the signal again once it has ended; with this handler that is the end, with status 0
    host, port = listen_address(settings)
    with open_database(settings, upgrade=True) as database:
        app = create_app(database, settings, version=VERSION, check_up=partial(check_up, settings))
        add_console(app)
        server = api_server(
            app,
            host,
            port,
            certificate=settings.api.certificate_file,
            key=settings.api.key_file,
            proxies=settings.api.trusted_proxies if settings.api.behind_proxy else (),
        )
        if greets:
            greet(settings, Report())
        collect_seldom()
        keep_what_is_there()
        server.run()
