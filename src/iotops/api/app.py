"""The application: routers, problems, limits and headers put together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from iotops.api.broadcast import Broadcast
from iotops.api.context import CheckUp, Context
from iotops.api.doorbook import Doorbook
from iotops.api.headers import SecurityHeaders
from iotops.api.limits import BodyLimit
from iotops.api.openapi import install_openapi
from iotops.api.pace import Failures, Pace, Streams
from iotops.api.problems import add_problems
from iotops.api.resources import ROUTERS
from iotops.api.units import Units
from iotops.settings import Settings
from iotops.store import timeline
from iotops.store.database import Database
from iotops.store.timeline import StoredEntry


def create_app(database: Database, settings: Settings, *, version: str = "0", check_up: CheckUp = tuple) -> FastAPI:
    """Return the API over a database; it starts nothing and reads no settings of its own.

    `check_up` looks around for /doctor.

    Several processes may each have one over the same database.
    """
    app = FastAPI(
        title="iotops",
        version=version,
        docs_url=None,  # served by `resources.reference`: FastAPI's own page loads scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        redirect_slashes=False,  # a path is right or unknown: a redirect would be an answer without a problem
        strict_content_type=False,  # a body without Content-Type is taken for JSON; changes by cookie prove themselves
    )
    app.state.context = Context(
        database,
        settings,
        version,
        _broadcast(database),
        Units(settings.rules.directory),
        Doorbook(database),
        Pace(settings.api.requests_per_s, settings.api.burst),
        Failures(settings.api.failed_sign_ins, settings.api.failed_within_ms),
        Streams(settings.api.max_streams),
        check_up=check_up,
    )
    add_problems(app)
    for prefix, router in ROUTERS:
        app.include_router(router, prefix=prefix)
    install_openapi(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)  # the last one added is the outermost
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.context.broadcast.close()
    await app.state.context.doorbook.close()


def _broadcast(database: Database) -> Broadcast:
    def since(seq: int, limit: int) -> Sequence[StoredEntry]:
        with database.read() as unit:
            return timeline.since(unit, seq, limit)

    def head() -> int:
        with database.read() as unit:
            return timeline.head(unit).seq

    return Broadcast(since, head)
