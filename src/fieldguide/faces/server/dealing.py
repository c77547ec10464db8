"""Dealing by an experiment's folder: whatever phase runs there now deals the units, without a restart of the server."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fieldguide.core.errors import FieldguideError
from fieldguide.core.online.assignment import explores
from fieldguide.faces.server.arms import Arm, Deal, Dealt, allocated, first_of

SECONDS = 0.2
"""How often the folder is looked at, at most: until then a phase that began deals nobody."""


class Dealing:
    """Deals as the experiment says that runs in a folder; where none does, the first arm answers.

    Args:
        folder: an experiment's folder.
        arms: the arms that are served.
        running: returns what runs in a folder now (`steps.online.experiment.running`): its `experiment`, `allocation`, `explore`.
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
            self._look_again()
        return self._deal(unit)

    def explores(self, request: str) -> bool | None:
        """Whether this request is to be decided at random; None where the experiment explores nothing."""
        if self._now is None or not self._now.explore:
            return None
        return explores(request, self._now.allocation.salt, self._now.explore)

    def _look_again(self) -> None:
        """Look; where the plan cannot be read now, deal as before: a file that is being written is no reason to refuse."""
        try:
            self._look()
        except (FieldguideError, OSError) as error:
            print(f"the experiment deals as before: {error}", file=sys.stderr)

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
