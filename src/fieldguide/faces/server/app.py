"""The application: which path is handled by what, who is let in, and how everything that goes wrong is said.

Knows HTTP's side of the server. What is done at each path is `handlers`'.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from fieldguide.core.answering import Problem
from fieldguide.core.errors import FieldguideError, StudyError
from fieldguide.core.online.log import LogStore
from fieldguide.faces.server.answers import Refused, refusal
from fieldguide.faces.server.arms import Arm
from fieldguide.faces.server.engine import mistake, told
from fieldguide.faces.server.handlers import Server, Settings
from fieldguide.faces.server.limits import check_key

Handler = Callable[[Request, str], Awaitable[Response]]


def build(arms: Sequence[Arm], store: LogStore, settings: Settings | None = None) -> FastAPI:
    """Return the application: arms behind HTTP, with every answer in the log before it is sent.

    Raises:
        ModelError, StudyError: at start-up, see `Server.start`.
    """
    server = Server(arms, store, settings or Settings())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            server.start(asyncio.get_running_loop())
        except FieldguideError as error:
            app.state.failure = error  # uvicorn keeps to itself why it did not start
            raise
        yield
        await asyncio.get_running_loop().run_in_executor(None, server.stop)

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.server, app.state.failure = server, None
    for path, method, handler, is_open in (
        ("/predict", "POST", server.predict, False), ("/explain", "POST", server.explain, False),
        ("/outcomes", "POST", server.outcomes, False), ("/health", "GET", server.health, True),
        ("/ready", "GET", server.ready, True), ("/info", "GET", server.info, False), ("/metrics", "GET", server.counters, False),
        ("/openapi.json", "GET", server.openapi, False),
    ):  # fmt: skip
        app.add_route(path, _guarded(server, path, handler, is_open), methods=[method])

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, error: HTTPException) -> Response:
        paths = ", ".join(route.path for route in app.routes if hasattr(route, "path"))
        rule = (
            f"the paths are {paths}"
            if error.status_code == 404
            else "a path takes the methods that /openapi.json names"
        )
        server.metrics.requests.labels("other", error.status_code).inc()
        problem = Problem(rule, value=ascii(f"{request.method} {request.url.path}")[:60], send="one of them")
        return refusal(Refused(error.status_code, "there is nothing here", [problem], error.headers), server.ids())

    return app


def _guarded(server: Server, path: str, handler: Handler, is_open: bool) -> Callable[[Request], Awaitable[Response]]:
    """Return a route: who is let in, what is counted, and how everything that goes wrong is said."""
    seconds = server.metrics.seconds.labels(path)
    good = server.metrics.requests.labels(path, 200)

    async def route(request: Request) -> Response:
        began, name = time.perf_counter(), server.ids()
        try:
            if not is_open:
                check_key(server.settings.key, request.headers)
                server.rate.check(request.client.host if request.client else "")
            response = await handler(request, name)
            good.inc()
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody is there to read it
            server.metrics.requests.labels(path, 400).inc()
        except Refused as refused:
            response = _told(server, path, refused, name)
        except FieldguideError as error:
            if not isinstance(error, StudyError):  # what ails the log its writer has said
                print(f"{path}: {error}", file=sys.stderr)
            response = _told(server, path, told(error), name)
        except (
            Exception
        ) as error:  # a mistake of ours: the caller gets the one shape, whoever runs the server the whole story
            traceback.print_exc()
            response = _told(server, path, mistake(error), name)
        finally:
            server.release(request)
        seconds.observe(time.perf_counter() - began)
        return response

    return route


def _told(server: Server, path: str, refused: Refused, name: str) -> Response:
    server.metrics.requests.labels(path, refused.status).inc()
    return refusal(refused, name)
