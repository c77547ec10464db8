"""Facts of experiments, gaps, refreshes and off-policy values, as the steps write them: what FG920 to FG946 are given."""

from __future__ import annotations

from typing import Any

from fieldguide.core.statistics.sample_ratio import sample_ratio


def measure(
    name: str = "clicks", role: str = "primary", value: float = 0.01, half: float = 0.005, **more: Any
) -> dict[str, Any]:
    """Return one measure of a phase: an effect with its interval."""
    return {
        "name": name, "role": role, "sign": 1, "control": 0.1, "candidate": 0.1 + value, "n_control": 5_000, "n_candidate": 5_000,
        "value": value, "error": half / 1.96, "interval": [value - half, value + half], "p": 0.001, "adjusted_p": 0.001,
        "always_interval": [value - 2 * half, value + 2 * half], "always_p": 0.04, "running_p": 0.04, "lift": value / 0.1,
        "lift_interval": [0.0, 0.2], "kept": 1.0, "margin": 0.0, "least": None, "slices": {}, **more,
    }  # fmt: skip


def judged(counts: tuple[int, int] = (5_000, 5_000), **more: Any) -> dict[str, Any]:
    """Return the facts of a phase."""
    ratio = sample_ratio(dict(zip(("control", "candidate"), counts)), {"control": 0.5, "candidate": 0.5})
    n = sum(counts)
    return {
        "ratio": {**ratio.to_dict(), "mismatched": ratio.p <= 0.01}, "measures": [measure()], "breached": [], "always": False,
        "complete": True, "alpha": 0.05, "n_looks": 3, "n_planned": n, "n_units": n, "n_mature": n, "delay": None,
        "identity": None, "paths": None, "naive": None, "changed": False, "covariates": {"n": 0, "used": False, "unbalanced": []},
        "strays": {"both": 0, "wrong": 0, "n": n, "share_both": 0.0, "share_wrong": 0.0}, **more,
    }  # fmt: skip


def part(name: str, value: float | None, half: float = 0.01, why: str = "") -> dict[str, Any]:
    """Return one part of a gap."""
    ends = [None, None] if value is None else [value - half, value + half]
    return {"name": name, "value": value, "interval": ends, "what": f"what {name} is", "why": why}


def gap(
    value: float = -0.05, half: float = 0.01, *, greater_is_better: bool = True, **parts: float | None
) -> dict[str, Any]:
    """Return the facts of a gap; a part that is not named is 0, one that is None could not be told."""
    said = {
        name: parts.get(name.replace(" ", "_"), 0.0) for name in ("late labels", "skew", "feedback", "drift", "rest")
    }
    return {
        "gap": {"value": value, "interval": [value - half, value + half]}, "promised": {"value": 0.8, "interval": [0.79, 0.81]},
        "online": {"value": 0.8 + value, "interval": [0.8 + value - half, 0.8 + value + half]}, "metric_title": "ROC AUC",
        "greater_is_better": greater_is_better,
        "parts": [part(name, v, why="nothing was logged" if v is None else "") for name, v in said.items()],
    }  # fmt: skip


def refreshed(value: float, half: float = 0.01) -> dict[str, Any]:
    """Return the facts of a refresh in which the new version is better by `value`."""
    return {
        "difference": {"value": value, "interval": [value - half, value + half], "p": 0.01, "n": 400}, "old": {"value": 0.8},
        "new": {"value": 0.8 + value}, "n_window": 400, "metric_title": "ROC AUC", "out": "model.2",
    }  # fmt: skip


def restarted(warmer: float, half: float = 0.01) -> dict[str, Any]:
    """Return the facts of a refresh in which the warm start is better than one from scratch by `warmer`."""
    pair = {
        "of": "warm",
        "to": "scratch",
        "value": warmer,
        "interval": [warmer - half, warmer + half],
        "p": 0.01,
        "n": 400,
    }
    return refreshed(0.0) | {
        "differences": [pair], "versions": {"old": {"value": 0.8}, "scratch": {"value": 0.8}, "warm": {"value": 0.8 + warmer}},
        "seconds_of": {"scratch": 3.0, "warm": 0.5}, "warm": {"silence": ""},
    }  # fmt: skip


def updated(daily: float, recommended: str, half: float = 0.01) -> dict[str, Any]:
    """Return the facts of a refresh in which daily updates are better than none by `daily`."""
    plan = {
        "name": "daily",
        "every": 1,
        "n_updates": 9,
        "difference": {"value": daily, "interval": [daily - half, daily + half]},
    }
    updates = {
        "silence": "", "schedules": [plan], "recommended": recommended, "why": "daily updates are better than never by 0.05 [0.04, 0.06]",
        "level": 0.975, "n_judged": 900,
    }  # fmt: skip
    return refreshed(0.0) | {"updates": updates}
