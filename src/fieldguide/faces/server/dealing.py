"""Dealing by an experiment's folder: whatever phase runs there now deals the units, without a restart of the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.assignment import explores
from fieldguide.faces.server.arms import Arm, Deal, Dealt, allocated, first_of

SECONDS = 2.0
"""How often the folder is looked at."""


class Dealing:
    """Deals as the experiment says that runs in a folder; where none does, the first arm answers.

    Args:
        folder: an experiment's folder.
        arms: the arms that are served.
        running: returns what runs in a folder now (`steps.experiment.running`): its `experiment`, `allocation`, `explore`.
        clock: seconds, for tests.

    Raises:
        ConfigError: the experiment deals to an arm that is not served, or its plan cannot be read.
    """

    def __init__(
        self, folder: Path, arms: Sequence[Arm], running: Callable[[Path], Any], clock: Callable[[], float] = time.monotonic
    ) -> None:  # fmt: skip
        self._folder, self._arms, self._running, self._clock = folder, arms, running, clock
        self._seen: tuple[int, ...] = ()
        self._next = 0.0
        self._deal: Deal = first_of(arms)
        self._now: Any = None
        self._look()

    def __call__(self, unit: str | None) -> Dealt:
        if self._clock() >= self._next:
            self._look()
        return self._deal(unit)

    def explores(self, request: str) -> bool | None:
        """Whether this request is to be decided at random; None where the experiment explores nothing."""
        if self._now is None or not self._now.explore:
            return None
        return explores(request, self._now.allocation.salt, self._now.explore)

    def _look(self) -> None:
        self._next = self._clock() + SECONDS
        seen = tuple(path.stat().st_mtime_ns for path in sorted(self._folder.iterdir()) if path.is_file())
        if seen == self._seen:
            return
        found = self._running(self._folder)
        if found is None:
            self._deal = first_of(self._arms)
        else:
            self._deal = allocated(found.allocation, found.allocation.shares, found.experiment, self._arms)
        self._now, self._seen = found, seen
