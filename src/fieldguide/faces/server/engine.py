"""When rows are answered, and how many at once: everything that waits is answered together, then logged together, then sent.

Knows two threads: one answers small requests, all that wait in one call of each model; one writes the log, all that waits
in one transaction. A request is answered when its transaction is there. Large batches are answered by a thread of their own.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import queue
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fieldguide.core.answering import Answered, Problem, read_request
from fieldguide.core.errors import FieldguideError, StudyError
from fieldguide.core.figures import count, verb
from fieldguide.core.online.log import Assignment, Entry, LogStore, Media, Prediction, Refusal, now
from fieldguide.core.online.log_media import rows_apart
from fieldguide.faces.server.answers import Refused
from fieldguide.faces.server.arms import Arm, Dealt
from fieldguide.faces.server.histories import whence

TOGETHER = 256
"""Rows that are answered in one call of a model at most."""
WAITING = 20_000
"""Rows that may wait; more are refused, so that memory stays bounded."""
REMEMBERED = 100_000
"""Units whose assignment is remembered as logged; forgetting one logs it again, and the first stands."""
FAILURES = 3
"""Transactions that fail one after the other until it is the log that fails, and not what is written into it."""


@dataclass
class Job:
    """A small request on its way: rows, who answers each, and the answers as they come.

    Args:
        request: id of the request.
        rows: rows as mappings.
        units: whom each row is about, or None.
        dealt: the arm of each row.
        done: resolved with the job when its answers are logged, or set to an exception.
    """

    request: str
    rows: Sequence[Mapping[str, Any]]
    units: Sequence[str | None]
    dealt: Sequence[Dealt]
    done: asyncio.Future[Job]
    arrived: float = field(default_factory=time.perf_counter)
    answers: dict[str, tuple[list[int], Answered]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    error: Exception | None = None


class Ids:
    """Request ids: time, process and count in hex; unique over servers, and in the order of time.

    Examples:
        >>> ids = Ids()
        >>> ids() < ids(), len(ids())
        (True, 23)
    """

    def __init__(self) -> None:
        self._process, self._count = os.urandom(3).hex(), itertools.count()

    def __call__(self) -> str:
        return f"{int(time.time() * 1000):011x}{next(self._count) & 0xFFFFFF:06x}{self._process}"


class Writer:
    """The one thread that writes the log. What waits is written in one transaction; whoever waits is told afterwards."""

    def __init__(self, store: LogStore, told: Callable[[int, float], None] = lambda n, seconds: None) -> None:
        self.store, self.failure = store, ""
        self._told = told
        self._queue: queue.SimpleQueue[tuple[Sequence[Entry], Callable[[Exception | None], None]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def put(self, entries: Sequence[Entry], done: Callable[[Exception | None], None]) -> None:
        """Write entries soon; call `done` from the writer's thread with None, or with what went wrong."""
        self._queue.put((entries, done))

    def write(self, entries: Sequence[Entry]) -> None:
        """Write entries and wait for it. Raises StudyError as the store does."""
        written, failed = threading.Event(), []

        def done(error: Exception | None) -> None:
            failed.append(error)
            written.set()

        self.put(entries, done)
        written.wait()
        if failed[0] is not None:
            raise failed[0]

    def close(self) -> None:
        """Write what still waits, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, last = [first], False
            while not last and len(group) < 4 * TOGETHER:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    group.append(more)
            self._write(group)
            if last:
                return

    def _write(self, group: Sequence[tuple[Sequence[Entry], Callable[[Exception | None], None]]]) -> None:
        error = self._appended([entry for some, _ in group for entry in some])
        if error is None or len(group) == 1:
            for _, done in group:
                done(error)
            return
        failures = 0
        for entries, done in group:  # one entry may spoil the transaction of others
            if failures < FAILURES:  # each may have waited long for a log that is gone
                error = self._appended(entries)
                failures = 0 if error is None else failures + 1
            done(error)

    def _appended(self, entries: Sequence[Entry]) -> Exception | None:
        """Write entries; return what went wrong, which is told to whoever waits: no answer leaves without its log."""
        began, error = time.perf_counter(), None
        try:
            self.store.append(entries)
        except Exception as reason:
            error = reason
        failure = str(error) if error is not None else ""
        if failure and failure != self.failure:  # callers hear that it failed; why is for whoever runs the server
            print(f"the log cannot be written: {failure}", file=sys.stderr)
        self.failure = failure
        self._told(len(entries) if error is None else 0, time.perf_counter() - began)
        return error


class Engine:
    """The one thread that answers small requests.

    Args:
        arms: arms by name.
        writer: the log.
        loop: the event loop whose futures are resolved.
        told: called with (arm, rows, seconds) for each call of a model, for metrics.
    """

    def __init__(
        self, arms: Mapping[str, Arm], writer: Writer, loop: asyncio.AbstractEventLoop,
        told: Callable[[str, int, float], None] = lambda arm, n, seconds: None,
    ) -> None:  # fmt: skip
        self.arms, self.writer, self.loop = arms, writer, loop
        self._told = told
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._waiting, self._closing, self._count = 0, False, threading.Lock()
        self._logged: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._remembering = threading.Lock()  # batches ask from the event loop
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Take a job; its future is resolved when it is answered and logged, and its rows wait until then.

        Raises:
            Refused: 503, too many rows wait, or the server is shutting down.
        """
        with self._count:
            if self._closing:
                raise Refused(
                    503, "the server is shutting down", [Problem("the server answers", send="the same again, later")]
                )
            if self._waiting + len(job.rows) > WAITING:
                raise Refused(503, "too many rows wait for an answer", [
                    Problem(f"at most {WAITING:,} rows wait", value=f"{self._waiting:,} rows", send="the same again, later")
                ], {"Retry-After": "1"})  # fmt: skip
            self._waiting += len(job.rows)
        self._queue.put(job)

    def close(self) -> None:
        """Answer what still waits, then stop."""
        with self._count:
            self._closing = True
        self._queue.put(None)
        self._thread.join()

    def note(self, entries: Sequence[Entry]) -> None:
        """Log entries that nobody waits for; like rows they count as waiting until they are written."""
        self._release(-len(entries))
        self.writer.put(entries, lambda error: self._release(len(entries)))

    def assigned(self, units: Sequence[str | None], dealt: Sequence[Dealt]) -> list[Entry]:
        """Return the assignments that the log may not have yet."""
        entries: list[Entry] = []
        with self._remembering:
            for unit, one in zip(units, dealt):
                if (
                    unit is None
                    or not one.experiment
                    or one.propensity is None
                    or (one.experiment, unit) in self._logged
                ):
                    continue
                self._logged[one.experiment, unit] = None
                if len(self._logged) > REMEMBERED:
                    self._logged.popitem(last=False)
                entries.append(Assignment(one.experiment, unit, one.arm, now(), one.propensity))
        return entries

    def unassigned(self, entries: Sequence[Entry]) -> None:
        """Take back what `assigned` returned, or more: it could not be written."""
        with self._remembering:
            for entry in entries:
                if isinstance(entry, Assignment):
                    self._logged.pop((entry.experiment, entry.unit), None)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs, n, last = [first], len(first.rows), False
            while n < TOGETHER:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                    break
                jobs.append(more)
                n += len(more.rows)
            self._answer(jobs)
            if last:
                return

    def _answer(self, jobs: Sequence[Job]) -> None:
        names = dict.fromkeys(dealt.arm for job in jobs for dealt in job.dealt)
        for name in names:
            self._answer_by(self.arms[name], jobs)
        answered = [job for job in jobs if job.error is None]
        for job in answered:
            job.entries += self.assigned(job.units, job.dealt)
        refused = [job for job in jobs if job.error is not None]
        if answered:
            entries = [entry for job in answered for entry in job.entries]
            self.writer.put(entries, lambda error: self._written(answered, entries, error))
        if refused:
            noted: list[Entry] = [entry for job in refused for entry in job.entries]
            if noted:
                self.note(noted)  # whoever was refused need not wait for the log
            self._release(sum(len(job.rows) for job in refused))
            self._resolve(refused, None)

    def _written(self, jobs: Sequence[Job], entries: Sequence[Entry], error: Exception | None) -> None:
        if error is not None:
            self.unassigned(entries)
        self._release(sum(len(job.rows) for job in jobs))
        self._resolve(jobs, error)

    def _release(self, n_rows: int) -> None:
        with self._count:
            self._waiting -= n_rows

    def _answer_by(self, arm: Arm, jobs: Sequence[Job]) -> None:
        parts = [
            (job, [i for i, dealt in enumerate(job.dealt) if dealt.arm == arm.name]) for job in jobs if job.error is None
        ]  # fmt: skip
        parts = [(job, at) for job, at in parts if at]
        began = time.perf_counter()
        try:
            if not answer_parts(arm, parts) and len(parts) > 1:
                for part in parts:  # somebody's rows are broken: each for itself
                    answer_parts(arm, [part])
        except Exception as error:  # a model or a foreign system failed: told to these callers, and to nobody else
            for job, _ in parts:
                job.error = error
        self._told(arm.name, sum(len(at) for _, at in parts), time.perf_counter() - began)

    def _resolve(self, jobs: Sequence[Job], error: Exception | None) -> None:
        def resolve() -> None:
            for job in jobs:
                if not job.done.done():  # whoever asked may have gone
                    reason = job.error or error
                    job.done.set_result(job) if reason is None else job.done.set_exception(reason)

        self.loop.call_soon_threadsafe(resolve)


def answer_parts(arm: Arm, parts: Sequence[tuple[Job, list[int]]]) -> bool:
    """Answer some rows of some jobs in one call; False where a row is broken (told to a job that stands alone)."""
    sent = [job.rows[i] for job, at in parts for i in at]
    rows, cells, problems = read_request(arm.contract, sent)
    told: list[Any] = []  # series and last step of forecasts
    if rows is not None and arm.contract.model.forecasts is not None:
        told = list(whence(arm.contract, sent))
        problems = [one for one in told if isinstance(one, Problem)]
    if rows is None or problems:
        if len(parts) == 1:
            job, at = parts[0]
            moved = [replace(p, row=None if p.row is None else at[p.row]) for p in problems]
            job.error = broken(moved)
            job.entries = refusals(job.request, arm, moved)
        return False
    answers = arm.decided(arm.answer(rows, sent), cells)
    outputs, scores, time_ = answers.outputs().tolist(), answers.scores.tolist(), now()
    by_rules = _by_rules(arm, answers)
    brought: list[list[Media]] = []
    if arm.contract.media:
        cells, brought = rows_apart(cells, arm.contract.media, time_)
    start = 0
    for job, at in parts:
        seconds = time.perf_counter() - job.arrived
        for k, i in enumerate(at, start):
            dealt = job.dealt[i]
            job.entries += brought[k] if brought else ()
            job.entries.append(Prediction(
                f"{job.request}-{i}", job.request, job.units[i], time_, arm.name, arm.model, arm.contract.version, cells[k],
                str(answers.decisions[k]), scores[k], outputs[k], seconds, dealt.experiment, dealt.propensity,
                *(by_rules[k] if by_rules else (None, None, None)), *(told[k] if told else ()),
            ))  # fmt: skip
        end = start + len(at)
        job.answers[arm.name] = (at, answers if len(parts) == 1 else answers.part(start, end))
        start = end
    return True


def _by_rules(arm: Arm, answers: Answered) -> list[tuple[str, str, str]]:
    """Return decision, rule and version of the rules row by row; nothing where none decide."""
    if answers.ruled is None:
        return []
    return [(decision, rule, arm.contract.rules) for decision, rule in zip(*answers.ruled)]


def broken(problems: Sequence[Problem]) -> Refused:
    """Return the refusal of rows that break the contract."""
    where = {problem.row for problem in problems}
    return Refused(
        422,
        f"{count(len(problems), 'cell')} in {count(len(where), 'row')} {verb(len(problems), 'breaks', 'break')} the contract of the model",
        problems,
    )


def refusals(request: str, arm: Arm, problems: Sequence[Problem]) -> list[Entry]:
    """Return what the log keeps of a refused request: its first problems."""
    return [
        Refusal(request, now(), arm.name, arm.model, problem.row, problem.column, problem.rule, problem.value)
        for problem in problems[:20]
    ]


def told(error: FieldguideError) -> Refused:
    """Return what a caller is told when the log or a foreign system fails: which of them, and nothing of the inside."""
    what = "the log cannot be written" if isinstance(error, StudyError) else error.what
    inside = isinstance(error, StudyError) or error.__cause__ is not None  # paths, hosts, another system's own words
    value = "" if inside else error.found
    return Refused(503, what, [Problem(error.rule or "the server answers", value=value, send="the same again, later")])


def mistake(error: Exception) -> Refused:
    """Return what a caller is told of a mistake of ours: that it is one, and nothing of the inside."""
    problem = Problem(
        "fieldguide makes no mistakes", value=type(error).__name__, send="the request id to whoever runs the server"
    )
    return Refused(500, "fieldguide made a mistake", [problem])
