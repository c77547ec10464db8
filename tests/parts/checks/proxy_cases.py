"""Facts of proxies as `explore` writes them, as plain as they can be."""

from __future__ import annotations

from typing import Any


def delay(p90: float | None = 2.0, late: float = 0.0) -> dict[str, Any]:
    return {
        "median": 1.0,
        "p90": p90,
        "p99": 9.0,
        "unit": "days",
        "n": 900,
        "n_waiting": 800,
        "followed": 300.0,
        "n_before": 0,
        "late": late,
        "curve": [],
    }


def row(name: str = "cart", **changes: Any) -> dict[str, Any]:
    """Return a candidate with nothing wrong."""
    fine: dict[str, Any] = {
        "name": name, "event": f"{name} > 0", "amount": False, "is_outcome": name == "outcome", "learned": name == "cart",
        "n_known": 1_000, "positives": 200, "rate": 0.2, "n_independent": 1_000.0, "smallest_rise": 0.076, "smallest_relative": 0.38,
        "slices": [], "delay": {"row": delay(), "outcome": delay(60.0)}, "variants": [],
        "predictability": {"metric": "roc_auc", "explained": 0.1, "by_chance": 0.0, "score": 0.7, "p": 0.005, "n_shuffles": 199, "n": 1_000},
        "outcome_score": {"metric": "roc_auc", "value": 0.8, "interval": [0.75, 0.85], "error": 0.02, "n": 700, "difference": -0.01,
                          "difference_interval": [-0.03, 0.01]},
        "agreement": {"correlation": 0.4, "interval": [0.3, 0.5], "n": 700},
    }  # fmt: skip
    return fine | changes


def proxies(*rows: dict[str, Any]) -> dict[str, Any]:
    outcome = row("outcome", delay={"row": delay(70.0), "outcome": None}, agreement=None)
    return {"candidates": [outcome, *rows], "recommended": "cart", "why": "", "rule": ""}


def variant(event: str = "cart > 1", **changes: Any) -> dict[str, Any]:
    fine = {
        "event": event, "positives": 90, "spearman": 0.95, "kendall": 0.8, "flips": 0.02,
        "noise": {"spearman": 0.96, "kendall": 0.82, "flips": 0.02}, "outcome_difference": 0.001, "outcome_interval": [-0.01, 0.01],
    }  # fmt: skip
    return fine | changes
