"""The files that pages need: scripts, styles and icons, under an address that changes with their content."""

from functools import cache
from hashlib import blake2b
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

FOLDER = Path(__file__).parent / "static"
MOUNT = "/console"
FOR_EVER = "public, max-age=31536000, immutable"


def file_url(name: str) -> str:
    """Return the address of a file: a browser that has it never asks for it again, a new version has a new address.

    Scripts import each other relative to their own address, so that all of them come from the same version.
    """
    return f"{MOUNT}/{_version()}/{name}"


def file_app() -> ASGIApp:
    """Return what serves the files; compressed, as nothing in them is secret or repeats what a visitor sent."""
    return GZipMiddleware(_Files(directory=FOLDER), minimum_size=500)


class _Files(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file; `version/name` is a name of this version, and may be kept for ever."""
        named, _, rest = path.partition("/")
        lasts = named == _version()
        response = await super().get_response(rest if lasts else path, scope)
        if response.status_code < 400:
            response.headers["Cache-Control"] = FOR_EVER if lasts else "no-cache"
        return response


@cache
def _version() -> str:
    digest = blake2b(digest_size=6)
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
