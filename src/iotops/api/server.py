"""uvicorn around the application, with streams that end when the server wants to."""

import signal
import socket
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

KEEP_ALIVE_S = 30
SHUTDOWN_S = 5  # requests still running after this are cut off; no answer of ours takes that long


class ApiServer(uvicorn.Server):
    """A server that ends its event streams first: uvicorn waits for open connections, and a stream never ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._heeds_interrupt = signal.getsignal(signal.SIGINT) is not signal.SIG_IGN

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End, but on a Ctrl-C that our parent told us to ignore: it decides in which order things end."""
        if sig != signal.SIGINT or self._heeds_interrupt:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        app = self.config.app
        assert isinstance(app, FastAPI)  # noqa: S101  `api_server` below is the only maker
        app.state.context.broadcast.close()
        await super().shutdown(sockets)


def api_server(
    app: FastAPI,
    host: str,
    port: int,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    proxies: Sequence[str] = (),
) -> ApiServer:
    """Return a server that is ready to `run()`; forwarding headers count where they come from `proxies`."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return ApiServer(config)
