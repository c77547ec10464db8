"""What waits: for an answer, for the log; and what happens when the log does not come."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from fieldguide.core.errors import StudyError
from fieldguide.faces.server.answers import Refused
from fieldguide.faces.server.engine import Engine, Job, Writer


def test_rows_wait_until_they_are_logged_and_one_bad_entry_spoils_no_other() -> None:
    class Slow:
        def __init__(self) -> None:
            self.gate, self.tried = threading.Event(), 0

        def append(self, entries: Sequence[Any]) -> None:
            self.gate.wait(120)
            self.tried += 1
            if "bad" in entries:
                raise StudyError("bad entry")

    store = Slow()
    writer = Writer(store)  # type: ignore[arg-type]
    heard: dict[str, Exception | None] = {}
    for name in ("a", "bad", "b"):
        writer.put([name], functools.partial(heard.__setitem__, name))  # type: ignore[list-item]
    engine = Engine({}, writer, asyncio.new_event_loop())
    engine.note(["entry"] * 20_000)  # type: ignore[list-item]
    job = Job("r", [{}], [None], [], asyncio.Future(loop=engine.loop))
    with pytest.raises(Refused, match="too many rows wait"):
        engine.submit(job)
    store.gate.set()
    engine.close()
    writer.close()
    assert heard["a"] is None and heard["b"] is None and isinstance(heard["bad"], StudyError)
    with pytest.raises(Refused, match="shutting down"):
        engine.submit(job)
    engine.loop.close()


def test_a_log_that_is_gone_is_not_asked_once_for_everybody() -> None:
    class Gone:
        gate, tried = threading.Event(), 0

        def append(self, entries: Sequence[Any]) -> None:
            self.gate.wait(120)
            self.tried += 1
            raise StudyError("gone")

    store, heard = Gone(), []  # type: tuple[Gone, list[Exception | None]]
    writer = Writer(store)  # type: ignore[arg-type]
    for _ in range(100):
        writer.put(["entry"], heard.append)  # type: ignore[list-item]
    store.gate.set()
    writer.close()
    assert len(heard) == 100 and all(isinstance(error, StudyError) for error in heard) and store.tried < 10
