"""What checks of tasks without a target are tested on: facts of clean clusters, of a clean map, of a clean space."""

from __future__ import annotations

from typing import Any


def world(value: float, score: float) -> dict[str, Any]:
    return {"value": value, "interval": [value - 0.05, value + 0.05], "sd": 0.02, "score": score, "score_sd": 0.02}


def clusters(verdict: str = "clusters", none: float = 0.0, **jaccard: float) -> dict[str, Any]:
    """Return facts of finalize with a clustering."""
    steady = {
        "real": world(0.9, 0.5), "heap": world(0.3, 0.2), "dealt": world(0.2, 0.2), "verdict": verdict, "n_judged": 120, "title": "Silhouette",
        "jaccard": {"1": 0.9, "2": 0.8} | {name.lstrip("c"): value for name, value in jaccard.items()},
    }  # fmt: skip
    return {"facts": {"structure": {"task": "clustering", "none": none, "n_clusters": 2, "stability": steady}}}


def a_map(**kept: float) -> dict[str, Any]:
    """Return facts of finalize with a reduction."""
    values = {"trustworthiness": 0.95, "continuity": 0.95, "reconstruction": 0.8} | kept
    lines = [{"metric": name, "value": value} for name, value in values.items()]
    return {"facts": {"structure": {"task": "reduction", "kept": lines, "n_components": 2, "n_axes": 30}}}


def space(**changed: Any) -> dict[str, Any]:
    """Return what explore says of a space in which columns hang together."""
    return {
        "space": {"n_columns": 4, "shares": [0.6, 0.2], "dealt_95": [0.3, 0.28], "beyond": 1, "alike": [], **changed}
    }


OTHER_TASK: dict[str, Any] = {"facts": {}}
