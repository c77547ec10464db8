"""Running the server: one process, one event loop, until it is told to stop; then what waits is answered first."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Sequence

import uvicorn

from fieldguide.core.online.log import LogStore
from fieldguide.faces.server.app import build
from fieldguide.faces.server.arms import Arm
from fieldguide.faces.server.handlers import Settings

GRACE = 30
"""Seconds in which requests that were accepted are answered after SIGTERM."""


class _Told(uvicorn.Server):
    """A server that says where it listens, once it does: port 0 is chosen by the system."""

    def __init__(self, config: uvicorn.Config, told: Callable[[str], None]) -> None:
        super().__init__(config)
        self._say = told

    async def startup(self, sockets: list | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._say(f"http://{f'[{host}]' if ':' in host else host}:{port}")


def run(
    arms: Sequence[Arm], store: LogStore, host: str, port: int, settings: Settings, told: Callable[[str], None]
) -> bool:
    """Serve until SIGTERM or SIGINT; return whether it ever listened.

    Args:
        told: called with the address when requests are taken.

    Raises:
        ModelError, StudyError: at start-up, see `Server.start`.
    """
    app = build(arms, store, settings)
    config = uvicorn.Config(
        app, host, port, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE, server_header=False, lifespan="on",
        timeout_keep_alive=30,
    )  # fmt: skip
    sys.setswitchinterval(0.001)  # threads hand over within a millisecond: five would be longer than a request
    gc.collect()
    gc.freeze()  # models stay: no collection need look at them
    server = _Told(config, told)
    try:
        server.run()
    except SystemExit:  # how uvicorn ends when it cannot listen; why is on standard error
        return False
    if app.state.failure is not None:
        raise app.state.failure
    return server.started
