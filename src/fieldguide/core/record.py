"""The record: which steps were done, what they found, how long they took; a step whose inputs are unchanged is not run again.

Knows results, scopes (hashes of what a result depends on) and the budget that is left; the journal keeps it all.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fieldguide.core.clock import Clock
from fieldguide.core.finding import Finding
from fieldguide.core.journal import Journal
from fieldguide.core.result import Result


class Record:
    """Results of steps in a journal.

    Args:
        journal: where results are kept.
        watch: told when a step begins.
    """

    def __init__(self, journal: Journal, watch: Callable[[dict[str, Any]], None]) -> None:
        self.journal, self.watch = journal, watch

    def once(
        self, step: str, scope: str, compute: Callable[[], tuple[Mapping[str, Any], tuple[Finding, ...]]]
    ) -> Result:
        """Return the recorded result of a step with this scope, or compute and record it."""
        data = self.journal.last("done", step=step, scope=scope)
        if data is not None:
            return Result.from_dict(data)
        self.watch({"event": "step", "step": step})
        began = time.perf_counter()
        facts, findings = compute()
        return self.keep(Result(step, facts, findings, time.perf_counter() - began), scope)

    def keep(self, result: Result, scope: str) -> Result:
        """Record a result and return it as it will be read back."""
        return Result.from_dict(self.journal.append("done", {"scope": scope, **result.to_dict()})["data"])

    def done(self, step: str) -> bool:
        return self.journal.last("done", step=step) is not None

    def result(self, step: str) -> Result | None:
        """Return the last recorded result of a step, whatever its scope."""
        data = self.journal.last("done", step=step)
        return None if data is None else Result.from_dict(data)


PACKAGING_SECONDS = 6.0
"""Time kept back beside the refit for proving and judging the model [s]; at most 8 % of the limit."""
SHORT_RESERVE = 13.0
"""The most that a short budget keeps for the refit beyond its share of the limit [s]; at most 40 % of it: what writing a network
takes does not shrink with the budget."""


@dataclass
class Budget:
    """Wall time for run and finalize together, over all sittings of a study.

    Args:
        minutes: the limit; None: none.
        reserve: share of the limit kept back for the refit.
    """

    minutes: float | None = None
    reserve: float = 0.0
    clock: Clock = field(default_factory=Clock)

    @staticmethod
    def open(journal: Journal, minutes: float | None, reserve: float) -> Budget:
        """Return a budget from which earlier sittings with the same limit are taken off."""
        sittings = [record["data"] for record in journal.records("spent")]
        spent = sum(sitting["seconds"] for sitting in sittings if sitting["minutes"] == minutes)
        return Budget(minutes, reserve, Clock.of(None if minutes is None else max(0.0, 60 * minutes - spent)))

    def share(self, rate: float, refit: float = math.inf) -> Clock:
        """Return a clock for `rate` of what is left beside the refit's part.

        Args:
            refit: what the refit is expected to need [s]; the reserve is the most that is kept back for it, a third of it
                the least: what is found later may take longer.
        """
        if self.minutes is None:
            return self.clock
        limit = 60 * self.minutes
        most = max(limit * self.reserve, min(0.4 * limit, SHORT_RESERVE))
        kept = min(max(refit, most / 3), most) + self._packaging if self.reserve else 0.0
        return self.clock.at_most(rate * max(0.0, self.clock.left() - kept))

    def refit_seconds(self) -> float:
        """Return the time there is now to refit what was chosen [s]."""
        return max(0.0, self.clock.left() - self._packaging)

    @property
    def _packaging(self) -> float:
        return 0.0 if self.minutes is None else min(PACKAGING_SECONDS, 0.08 * 60 * self.minutes)

    @contextmanager
    def sitting(self, journal: Journal) -> Iterator[None]:
        """Record how long a sitting took, however it ends."""
        began = time.monotonic()
        try:
            yield
        finally:
            journal.append("spent", {"seconds": time.monotonic() - began, "minutes": self.minutes})


def hashed(data: Any) -> str:
    """Return the hash of plain data.

    Examples:
        >>> hashed({"a": 1, "b": 2}) == hashed({"b": 2, "a": 1})
        True
    """
    return hashlib.blake2b(json.dumps(data, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()
