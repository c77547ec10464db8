"""What a join found, as plain facts, for the tests of its checks: a clean join, and what each check changes in it."""

from __future__ import annotations

from typing import Any

DELAY = {
    "within_horizon": 0.9, "median": 8.0, "wait": 40.0, "share": 0.95, "n": 1000, "n_waiting": 300, "followed": 200.0,
}  # fmt: skip


def feature(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "window_days": 30.0, "coverage": 0.95, "cut": 0.0, **more}


def table(**more: Any) -> dict[str, Any]:
    return {
        "table": "join.features[0] (orders.csv)", "n_rows": 5000, "n_whole": 5000, "n_of_units": 4800, "n_after": 0, "n_at": 0,
        "n_known_later": 400, "n_late": 0, "n_examined": 5000, "n_repeated": 0, "n_conflicting": 0, "n_broken": {},
        "n_units": 1000, "n_with_events": 940, "features": [feature("n_30d")], **more,
    }  # fmt: skip


def joined(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "joined": {
            "tables": list(tables or (table(),)), "n_units": 1000, "n_asked": 1000, "n_immature": 0, "n_without_outcome": 0,
            "until": 1_700_000_000_000_000, "horizon": 30.0, "wait": 0.0, "clock": "date", "same_time": "exclude",
            "known_only": True, "delay": DELAY, **more,
        }
    }  # fmt: skip
