"""Asking systems that are not ours for scores: over HTTP, or as a Python callable that is named.

The one place that says what a foreign system is sent and how its answer is read; the server asks while it serves, experiments ask
afterwards about logged requests. Imports nothing but the standard library, so that a server starts quickly.
"""

from __future__ import annotations

import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fieldguide.core.errors import ConfigError, ModelError

Rows = Sequence[Mapping[str, Any]]


def over_http(url: str, seconds: float) -> Callable[[Rows], list[float]]:
    """Return a function that posts `{"rows": […]}` to an address and returns one score per row.

    Args:
        url: begins with http:// or https://.
        seconds: after which the system counts as gone.

    Raises:
        ConfigError: the address is none of HTTP.
        ModelError: when it is called: there is no answer, it cannot be read, or it has another number of scores.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError(
            f"{url} is no HTTP scorer",
            rule="an url begins with http:// or https://",
            found=repr(url),
            do="write the address whole, such as http://127.0.0.1:8000/predict",
        )
    return lambda rows: _posted(url, rows, seconds)


def _posted(url: str, rows: Rows, seconds: float) -> list[float]:
    body = json.dumps({"rows": list(rows)}, default=str).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            found = json.load(answer)
        given = found["scores"] if "scores" in found else found["predictions"]
        scores = [score_in(one) for one in given]
    except (urllib.error.URLError, TimeoutError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{url} gave no answer that can be read",
            rule='an HTTP scorer answers {"rows": [...]} with {"scores": [...]} or {"predictions": [...]}', found=f"{type(error).__name__}: {error}",
            do="check that it runs, and name its /predict",
        ) from error  # fmt: skip
    if len(scores) != len(rows):
        raise ModelError(
            f"{url} gave {len(scores):,} answers",
            rule="one per row",
            found=f"{len(rows):,} rows were asked",
            do="let it answer every row of a request, in their order",
        )
    return scores


def score_in(answer: Any) -> float:
    """Return the score in an answer: a number, `score`, the probability of the second of two labels, or the value.

    Examples:
        >>> score_in(0.3), score_in({"prediction": "yes", "probabilities": {"no": 0.2, "yes": 0.8}})
        (0.3, 0.8)
    """
    if not isinstance(answer, dict):
        return float(answer)
    if answer.get("score") is not None:
        return float(answer["score"])
    shares = answer.get("probabilities")
    if isinstance(shares, dict) and shares:
        values = [float(value) for value in shares.values()]
        return values[1] if len(values) == 2 else max(values)
    return float(answer["prediction"])


def named(name: str) -> Callable[[Any], Any]:
    """Return the callable that `package.module:callable` names.

    Raises:
        ConfigError: it cannot be found, or cannot be called.
    """
    module, _, member = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), member)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"the callable {name} cannot be found", rule="python names package.module:callable", found=str(error),
            do="check the name, and that the package is installed here",
        ) from None  # fmt: skip
    if not callable(found):
        raise ConfigError(
            f"{name} is no callable",
            rule="python:package.module:name names a function of rows",
            found=type(found).__name__,
            do="name a function, or an object that can be called",
        )
    return found
