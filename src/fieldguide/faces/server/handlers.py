"""What is done at each path: what is asked, by whom it is answered, and what is sent back.

Knows the order of things: read, deal, answer, log, send. Each of them is done elsewhere in this folder.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
from starlette.requests import Request
from starlette.responses import Response

from fieldguide.core.answering import Problem, own_parts, read_request, typical_effects
from fieldguide.core.errors import FieldguideError
from fieldguide.core.figures import count, verb
from fieldguide.core.online.log import Entry, LogStore, now
from fieldguide.core.problem import Output
from fieldguide.faces.server.answers import JSON, Refused, encoded, listed, table
from fieldguide.faces.server.arms import Arm, Deal, Dealt, arm_named, first_of
from fieldguide.faces.server.batches import Unfit, answer_batch
from fieldguide.faces.server.bodies import Asked, media_type, parsed, read_json, read_table
from fieldguide.faces.server.engine import Engine, Ids, Job, Writer
from fieldguide.faces.server.histories import Laid, is_history, laid_out
from fieldguide.faces.server.limits import Rate
from fieldguide.faces.server.metrics import Metrics
from fieldguide.faces.server.openapi import MOST_EXPLAINED, document
from fieldguide.faces.server.watch import Watch
from fieldguide.steps.online.outcome_values import LONGEST as LONGEST_TEXT
from fieldguide.steps.online.outcome_values import Expected
from fieldguide.steps.online.outcomes import outcomes_of, taken

FEW = 64
"""Up to this many rows a request is small: answered together with others, logged row by row."""
BATCHES = 16
"""Batches that may wait."""
BODY_SECONDS = 30.0
"""A body that takes longer to arrive is given up."""
HELD = 16
"""How many of the largest bodies may be held at once by all requests together; more are refused, so that memory stays bounded."""

Handler = Callable[[Request, str], Awaitable[Response]]


@dataclass(frozen=True)
class Settings:
    """How a server serves.

    Args:
        max_bytes: largest body [bytes].
        rate: requests per second and client; None: no limit.
        key: what a request must carry; None: nothing.
        deal: deals units to arms; None: the first arm answers, others where a request names them.
        explores: whether a request, by its id, is to be decided at random by the caller; the answer says so. None: nothing is said.
        training: typed cells of training rows by arm, with which what is served is compared on `/metrics`.
        watch: how often it is compared, and how far back [min].
    """

    max_bytes: int = 32 * 1024**2
    rate: float | None = None
    key: str | None = field(default=None, repr=False)
    deal: Deal | None = None
    explores: Callable[[str], bool | None] | None = None
    training: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    watch: float = 10.0


class Server:
    """A server at work: arms, the log's writer, the engine and the counters. Made by `build`."""

    def __init__(self, arms: Sequence[Arm], store: LogStore, settings: Settings) -> None:
        self.arms = {arm.name: arm for arm in arms}
        self.store, self.settings, self.metrics = store, settings, Metrics()
        self.deal = settings.deal or first_of(arms)
        self.ids, self.rate = Ids(), Rate(settings.rate)
        self.forecasts = any(arm.contract.model.forecasts is not None for arm in arms)
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="batches")
        self.batches, self.closing, self.replayed = 0, False, {}  # type: tuple[int, bool, dict[str, float]]
        self.writer: Writer
        self.engine: Engine
        self.watch: Watch | None = None
        self.probing, self.held = False, 0
        self.expected = Expected()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Replay the golden rows of every model, note the contracts in the log, start the threads.

        Raises:
            ModelError: a model does not give the answers it was packaged with.
            StudyError: the log cannot be written.
        """
        for name, arm in self.arms.items():
            self.replayed[name] = arm.contract.model.replay()
        self.store.append([arm.served() for arm in self.arms.values()])
        self.expected = Expected.of(self.store.served())
        self.writer = Writer(self.store, self.metrics.logged)
        self.engine = Engine(self.arms, self.writer, loop, self.metrics.answered)
        if self.settings.training:
            learned = dict(self.settings.training)
            self.watch = Watch(list(self.arms.values()), self.store, learned, self.settings.watch, self.metrics)

    def stop(self) -> None:
        """Answer and log what still waits."""
        self.closing = True
        if self.watch is not None:
            self.watch.close()
        self.pool.shutdown()
        self.engine.close()
        self.writer.close()

    # --- routes ----------------------------------------------------------------------------------------------------

    async def predict(self, request: Request, name: str) -> Response:
        arrived = time.perf_counter()
        kind = media_type(request.headers.get("content-type", ""))
        body = await self._body(request)
        if kind == JSON:
            asked = read_json(body)
            if self.forecasts and self._is_history(asked):
                return await self._history(name, asked, arrived, JSON)
            if asked.n_rows <= FEW:
                return await self._few(name, asked)
            with self._turn():
                return await self._many(name, asked, arrived, JSON)
        with self._turn():
            asked = await self._apart(lambda: read_table(body, kind, request.query_params))
            as_rows = request.headers.get("accept", "").startswith(JSON)
            if not (self.forecasts and self._is_history(asked)):
                return await self._many(name, asked, arrived, JSON if as_rows else kind)
        return await self._history(name, asked, arrived, JSON if as_rows else kind)

    def _is_history(self, asked: Asked) -> bool:
        arm = arm_named(self.arms, asked.arm) if asked.arm is not None else next(iter(self.arms.values()))
        return is_history(arm.contract, asked)

    async def _history(self, name: str, asked: Asked, arrived: float, kind: str) -> Response:
        """Answer rows of series by what comes after them, series by series."""
        with self._turn():
            laid = await self._apart(lambda: laid_out(asked, self.arms, self.deal))
            if kind != JSON or laid.asked.n_rows > FEW:
                return await self._many(name, laid.asked, arrived, kind, laid)
        return await self._few(name, laid.asked, laid)

    async def _many(self, name: str, asked: Asked, arrived: float, kind: str, laid: Laid | None = None) -> Response:
        """Answer a batch, as JSON rows or as a table of the kind it came in."""
        as_rows, dealt = kind == JSON or laid is not None, self._dealt(asked)
        parts = _by_arm(self.arms, dealt)
        try:
            entries, answers = await self._apart(
                lambda: answer_batch(name, asked, parts, time.perf_counter() - arrived, as_rows)
            )
        except Unfit as unfit:
            self._note(unfit)
            raise
        for arm, _, at in parts:
            self.metrics.rows.labels(arm.name).inc(len(at))
        assigned = self.engine.assigned(_units(asked), dealt)
        try:
            await self._logged([*entries, *assigned])
        except FieldguideError:
            self.engine.unassigned(assigned)
            raise
        one = parts[0][0] if len(parts) == 1 else None
        if as_rows and laid is not None:
            if kind != JSON:
                answers = laid.frame(answers)
            else:
                return _json(self._answer(laid.told(answers), one, name))
        elif as_rows:
            return _json(self._answer(answers, one, name))
        headers = {"X-Request-Id": name, "X-Arm": one.name if one else "", "X-Model": one.model if one else ""}
        if one is not None and one.contract.rules and one.scorer is None:
            headers["X-Rules"] = one.contract.rules
        return await self._apart(lambda: table(answers, kind, headers))

    async def _few(self, name: str, asked: Asked, laid: Laid | None = None) -> Response:
        assert isinstance(asked.rows, list)
        dealt = self._dealt(asked)
        loop = asyncio.get_running_loop()
        job = Job(name, asked.rows, _units(asked), dealt, loop.create_future())
        self.engine.submit(job)
        try:
            await job.done
        except Refused as refused:
            self._count_breaks(refused, dealt[0].arm)
            raise
        if len(job.answers) == 1:
            (arm_name,) = job.answers
            arm, (_, answers) = self.arms[arm_name], job.answers[arm_name]
            said = listed(arm.contract, answers, [f"{name}-{i}" for i in range(asked.n_rows)])
            return _json(self._answer(said if laid is None else laid.told(said), arm, name))
        rows: dict[int, Any] = {}
        for arm_name, (at, answers) in job.answers.items():
            own = listed(self.arms[arm_name].contract, answers, [f"{name}-{i}" for i in at])
            rows |= {i: {**row, "arm": arm_name} for i, row in zip(at, own)}
        said = [rows[i] for i in range(asked.n_rows)]
        return _json(self._answer(said if laid is None else laid.told(said), None, name))

    async def explain(self, request: Request, name: str) -> Response:
        asked = read_json(await self._json_body(request))
        assert isinstance(asked.rows, list)
        rows = asked.rows
        if len(rows) > MOST_EXPLAINED:
            raise Refused(422, "too many rows to explain at once", [
                Problem(f"at most {MOST_EXPLAINED} rows are explained at once", value=f"{len(rows)} rows", send="fewer rows")
            ])  # fmt: skip
        arm = self.arms[self._dealt(asked)[0].arm]
        if arm.scorer is not None:
            raise Refused(
                422,
                "a foreign system is not explained",
                [Problem("arm is a model", value=arm.name, send="another arm")],
            )
        _, _, problems = read_request(arm.contract, rows)
        if problems:
            raise Refused(
                422,
                f"{count(len(problems), 'cell')} {verb(len(problems), 'breaks', 'break')} the contract of the model",
                problems,
            )
        with self._turn():
            effects, shap = await self._apart(
                lambda: (typical_effects(arm.contract, rows), own_parts(arm.contract, rows))
            )
        output = arm.contract.model.outputs[0]
        said = (
            f"How much {explained(output)} differs from the mean of the same row with the column's value replaced by those of the "
            f"{len(arm.contract.model.golden['rows'])} golden rows, whose cells come from training rows column by column. One column "
            "at a time: not Shapley values, and they do not add up to the answer where columns act together."
        )
        return _json(
            {"method": said, "effects": effects, "shap": shap, "model": arm.model, "arm": arm.name, "request": name}
        )

    async def outcomes(self, request: Request, name: str) -> Response:
        data = parsed(await self._json_body(request))
        given = data.get("outcomes") if isinstance(data, dict) and set(data) == {"outcomes"} else None
        if not isinstance(given, list) or not 0 < len(given) <= 10_000:
            raise Refused(422, "the request does not have the shape that is asked for", [
                Problem("outcomes is a list of 1 to 10,000 outcomes", value=ascii(data)[:60], send='{"outcomes": [{"id": "…", "value": 1}]}')
            ])  # fmt: skip
        found, problems = outcomes_of(given, now(), _sent_as(request), self.expected)
        if problems:
            raise Refused(422, f"{count(len(problems), 'outcome')} cannot be taken; none was written", problems)
        with self._turn():
            became = await self._apart(lambda: taken(self.store, found))
        await self._logged(list(found))
        self.metrics.outcomes.inc(became.written)
        return _json({**became.to_dict(), "request": name})

    async def health(self, request: Request, name: str) -> Response:
        return _json({"alive": True})

    async def ready(self, request: Request, name: str) -> Response:
        if self.closing or self.writer.failure:
            rule = "the log can be written" if self.writer.failure else "the server is not shutting down"
            self._probe()
            raise Refused(503, "not ready", [Problem(rule, send="the same again, later")])
        return _json({"ready": True, "golden_rows": self.replayed})

    async def info(self, request: Request, name: str) -> Response:
        return _json(
            {
                "version": version("fieldguide"),
                "log_durable": self.store.durable,
                "arms": [_told_of(arm) for arm in self.arms.values()],
            }
        )

    async def counters(self, request: Request, name: str) -> Response:
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def openapi(self, request: Request, name: str) -> Response:
        return _json(document(self.arms, version("fieldguide"), self.settings.key is not None))

    # --- what routes share ---------------------------------------------------------------------------------------------

    def _answer(self, rows: Sequence[Any], arm: Arm | None, request: str) -> dict[str, Any]:
        said = {
            "predictions": rows,
            "model": arm.model if arm else None,
            "arm": arm.name if arm else None,
            "request": request,
        }
        explore = None if self.settings.explores is None else self.settings.explores(request)
        return said if explore is None else {**said, "explore": explore}

    async def _body(self, request: Request) -> bytes:
        """Return a body within the limits, held until `release`. Raises Refused: 413, 408 or 503."""
        limit, length = self.settings.max_bytes, request.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit, int(length))
        parts, size = [], 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                async for part in request.stream():
                    size += len(part)
                    self.held += len(part)
                    request.state.held = size
                    if size > limit:
                        raise _too_large(limit, size)
                    if self.held > HELD * limit:
                        raise Refused(503, "too many large bodies at once", [
                            Problem(f"all bodies together have at most {HELD * limit:,} bytes", send="the same again, later")
                        ], {"Retry-After": "1", "Connection": "close"})  # fmt: skip
                    parts.append(part)
        except TimeoutError:
            raise Refused(408, "the body did not arrive in time", [
                Problem(f"a body arrives within {BODY_SECONDS:g} seconds", value=f"{size:,} bytes", send="the same again")
            ]) from None  # fmt: skip
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self, request: Request) -> None:
        """Let go of a request's body: it was answered or refused."""
        self.held -= getattr(request.state, "held", 0)

    async def _json_body(self, request: Request) -> bytes:
        if media_type(request.headers.get("content-type", "")) != JSON:
            raise Refused(
                415, "the body is of a type that is not read here", [Problem("Content-Type is JSON", send=JSON)]
            )
        return await self._body(request)

    def _dealt(self, asked: Asked) -> list[Dealt]:
        """Return the arm of each row. Raises Refused: 404, the arm that is asked for does not exist."""
        if asked.arm is not None:
            return [Dealt(arm_named(self.arms, asked.arm).name)] * asked.n_rows
        if isinstance(asked.units, tuple):
            return [self.deal(unit) for unit in asked.units]
        return [self.deal(asked.units)] * asked.n_rows

    def _probe(self) -> None:
        """Write into a log that failed: who is not ready is asked nothing, and would not learn that it can be written again."""
        if self.probing or self.closing:
            return

        def done(error: Exception | None) -> None:
            self.probing = False

        self.probing = True
        self.writer.put([arm.served() for arm in self.arms.values()], done)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Hold one of the places for slow work, until it is answered and logged. Raises Refused: 503, too many wait."""
        if self.batches >= BATCHES:
            raise Refused(503, "too many batches wait", [
                Problem(f"at most {BATCHES} batches wait", value=f"{self.batches}", send="the same again, later")
            ], {"Retry-After": "1"})  # fmt: skip
        self.batches += 1
        try:
            yield
        finally:
            self.batches -= 1

    async def _apart(self, work: Callable[[], Any]) -> Any:
        """Do slow work in the thread for batches."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, work)

    async def _logged(self, entries: Sequence[Entry]) -> None:
        """Wait until entries are in the log. Raises StudyError: they cannot be."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()

        def done(error: Exception | None) -> None:
            def resolve() -> None:
                if not written.done():
                    written.set_result(None) if error is None else written.set_exception(error)

            loop.call_soon_threadsafe(resolve)

        self.writer.put(entries, done)
        await written

    def _note(self, unfit: Unfit) -> None:
        self.engine.note(unfit.entries)  # whoever was refused need not wait for the log
        self._count_breaks(unfit, next(entry.arm for entry in unfit.entries))  # type: ignore[union-attr]

    def _count_breaks(self, refused: Refused, arm: str) -> None:
        known = {column.name for column in self.arms[arm].contract.sent}
        # A large batch can break a million cells: its columns are counted first.
        for column, n in Counter(problem.column for problem in refused.problems).items():
            if column in known:
                self.metrics.breaks.labels(arm, column).inc(n)


def _sent_as(request: Request) -> str | None:
    """Return the name under which a request may be sent again. Raises Refused: 422, it is no name."""
    named = request.headers.get("idempotency-key")
    if named is None:
        return None
    if not 0 < len(named) <= LONGEST_TEXT or not named.isascii():
        raise Refused(422, "the Idempotency-Key cannot be used", [
            Problem(f"Idempotency-Key is 1 to {LONGEST_TEXT} ASCII characters", value=ascii(named)[:60], send="Idempotency-Key: batch-17")
        ])  # fmt: skip
    return f"request {named}"


def _json(data: Any) -> Response:
    return Response(encoded(data), media_type=JSON)


def _units(asked: Asked) -> list[str | None]:
    return list(asked.units) if isinstance(asked.units, tuple) else [asked.units] * asked.n_rows


def _by_arm(arms: dict[str, Arm], dealt: Sequence[Dealt]) -> list[tuple[Arm, Dealt, np.ndarray]]:
    """Return arms with their rows' numbers; rows of one arm that were dealt otherwise stand apart."""
    if all(one is dealt[0] for one in dealt):
        return [(arms[dealt[0].arm], dealt[0], np.arange(len(dealt)))]
    return [
        (arms[how.arm], how, np.array([i for i, one in enumerate(dealt) if one == how])) for how in dict.fromkeys(dealt)
    ]  # fmt: skip


def _told_of(arm: Arm) -> dict[str, Any]:
    """Return what `/info` tells of an arm: contract, outputs, evidence."""
    contract, model = arm.contract, arm.contract.model
    evidence = model.evidence
    return {
        "arm": arm.name, "model": arm.model, "contract": contract.version, "foreign": arm.scorer is not None,
        "columns": [{"name": c.name, "kind": c.kind, "example": contract.examples.get(c.name)} for c in contract.sent],
        "outputs": [_output(o) for o in model.outputs],
        "rules": None if model.rules is None else {"version": contract.rules, **model.rules.rules.to_dict()},
        "thresholds": list(model.thresholds), "card": evidence.get("card", {}), "scores": evidence.get("scores", []),
        "looks": evidence.get("looks", []), "findings": evidence.get("findings", []),
    }  # fmt: skip


def _output(output: Output) -> dict[str, Any]:
    """Return an output as `/info` tells of it: without a target there are no labels, but axes of the space of the rows."""
    said: dict[str, Any] = {"name": output.name, "task": output.task.name, "labels": list(output.labels)}
    return {**said, "labels": [], "axes": said["labels"]} if output.targetless else said


def explained(output: Output) -> str:
    """Return what of an answer effects are of, in words."""
    if output.targetless:
        clusters = isinstance(output.task.words(np.zeros((1, 1)))[0], str)  # type: ignore[attr-defined]
        return "the membership in the row's own cluster" if clusters else f"the first coordinate of {output.name}"
    if output.family == "vector":
        return f"{output.labels[0]}, the first part of {output.name},"
    return {
        "binary": f"the probability of {output.labels[-1]}" if output.labels else "", "multiclass": f"the probability of the row's own label of {output.name}",
        "multilabel": f"the probability of the row's likeliest label of {output.name}",
    }.get(output.family, f"the answer for {output.name}")  # fmt: skip


def _too_large(limit: int, size: int) -> Refused:
    return Refused(413, "the body is too large", [
        Problem(f"a body has at most {limit:,} bytes", value=f"{size:,} bytes", send="fewer rows at a time")
    ], {"Connection": "close"})  # fmt: skip
