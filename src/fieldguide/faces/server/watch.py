"""Watching what is served: every few minutes the newest rows are held against training, and `/metrics` says what came of it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from fieldguide.core.finding import SEVERITIES
from fieldguide.core.online.log import LogStore, Query, now
from fieldguide.core.result import Result
from fieldguide.faces.server.arms import Arm
from fieldguide.faces.server.metrics import Metrics
from fieldguide.steps.online.replay import replay

MOST = 20_000
"""Rows that are looked at each time."""


class Watch:
    """A thread that replays the newest rows of every arm and publishes how far they are from training.

    Args:
        training: typed cells of training rows by arm.
        minutes: how often, and how far back it looks at least [min].
    """

    def __init__(
        self, arms: Sequence[Arm], store: LogStore, training: dict[str, pl.DataFrame], minutes: float, metrics: Metrics,
        told: Callable[[str, Result], None] = lambda arm, result: None,
    ) -> None:  # fmt: skip
        self._arms = [arm for arm in arms if arm.scorer is None and arm.name in training]
        self._store, self._training, self._minutes, self._metrics, self._told = store, training, minutes, metrics, told
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching; a look that has begun is finished."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Look once, at all arms."""
        fired = dict.fromkeys(SEVERITIES, 0)
        for arm in self._arms:
            query = Query(start=now() - timedelta(minutes=self._minutes), arm=arm.name)
            result = replay(
                self._store, arm.contract.model, arm.model, query, training=self._training[arm.name], most=MOST
            )
            for finding in result.findings:
                fired[finding.severity] += finding.fired
            for column in (result["traffic"] or {"columns": ()})["columns"]:
                self._publish(arm.name, column)
            self._told(arm.name, result)
        for severity, n in fired.items():
            self._metrics.findings.labels(severity).set(n)

    def _publish(self, arm: str, column: dict[str, Any]) -> None:
        if "index" in column:
            self._metrics.drift.labels(arm, column["column"]).set(column["index"])
        if "unseen" in column:
            self._metrics.unseen.labels(arm, column["column"]).set(column["unseen"])
        self._metrics.missing.labels(arm, column["column"]).set(column["missing_served"])

    def _run(self) -> None:
        while not self._stop.wait(60 * self._minutes):
            try:
                self.look()
            except (
                Exception
            ) as error:  # answers do not stop because looking at them failed; it is said, and tried again
                print(f"watching failed: {type(error).__name__}: {error}", file=sys.stderr)
