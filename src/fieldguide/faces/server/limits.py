"""How often and how much somebody may ask, and who may ask at all."""

from __future__ import annotations

import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping

from fieldguide.core.answering import Problem
from fieldguide.faces.server.answers import Refused

CLIENTS = 10_000
"""Clients whose allowance is remembered; the one that asked longest ago is forgotten first."""


class Rate:
    """A token bucket per client: `rate` requests a second in the long run, at most one second's worth at once.

    Args:
        rate: requests per second and client; None: no limit.
        clock: seconds, for tests.

    Examples:
        >>> rate = Rate(2, clock=lambda: 0.0)
        >>> [rate.wait("a"), rate.wait("a"), rate.wait("a"), rate.wait("b")]
        [0.0, 0.0, 0.5, 0.0]
    """

    def __init__(self, rate: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self._clock = rate, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Take a request of a client; return 0, or the seconds after which it may ask again."""
        if self.rate is None:
            return 0.0
        most, time_ = max(1.0, self.rate), self._clock()
        tokens, before = self._buckets.pop(client, (most, time_))
        tokens = min(most, tokens + (time_ - before) * self.rate)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, time_)
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self.rate

    def check(self, client: str) -> None:
        """Take a request of a client.

        Raises:
            Refused: 429, with the seconds to wait.
        """
        seconds = self.wait(client)
        if seconds:
            raise Refused(
                429, "too many requests", [Problem(f"a client asks at most {self.rate:g} times a second", send="the same again, later")],
                {"Retry-After": str(math.ceil(seconds))},
            )  # fmt: skip


def check_key(key: str | None, headers: Mapping[str, str]) -> None:
    """Let in whoever has the key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`.

    Raises:
        Refused: 401.
    """
    if key is None:
        return
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    given = bearer.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), key.encode()):
        raise Refused(401, "the key is missing or wrong", [
            Problem("a request carries the server's key", send="Authorization: Bearer KEY")
        ], {"WWW-Authenticate": "Bearer"})  # fmt: skip
