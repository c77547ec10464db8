"""join against a reference in plain Python: every aggregate, window, level and rule of time, on random small tables."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldguide.core.documents.config import Config
from fieldguide.steps.join.join import join

pytest.importorskip("duckdb")

START = datetime(2024, 1, 1)
QUIET = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
AGGREGATES = ("count", "sum", "mean", "min", "max", "first", "last", "since_first", "since_last", "nunique", "rate")


def day(n: float | None) -> datetime | None:
    return None if n is None else START + timedelta(days=n)


def config_of(folder: Path, section: dict[str, Any], target: str = "y") -> Config:
    return Config.from_dict({"problem": {"target": target}, "join": section}, folder)


def joined(folder: Path, section: dict[str, Any]) -> tuple[pl.DataFrame, dict[str, Any]]:
    facts, _ = join(config_of(folder, section), folder / "joined.parquet", folder / "work")
    return pl.read_parquet(folder / "joined.parquet"), facts


def write(folder: Path, name: str, rows: list[dict[str, Any]], schema: dict[str, Any]) -> str:
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    path = folder / name
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return name


# --- the reference ----------------------------------------------------------------------------------------------------


def reference(events: list[dict[str, Any]], t: float, how: str, window: float | None, include: bool, prior=None) -> Any:
    """What an aggregate of column v is, event by event; equal times in file order."""

    def counts(e: dict[str, Any]) -> bool:
        if include:
            return e["time"] <= t and e["known"] <= t and (window is None or e["time"] > t - window)
        return e["time"] < t and e["known"] < t and (window is None or e["time"] >= t - window)

    used = [e for e in events if e["time"] is not None and e["known"] is not None and counts(e)]
    used.sort(key=lambda e: e["time"])  # stable: file order among equals
    cells = [e["v"] for e in used if e["v"] is not None]
    times = [e["time"] for e in used if e["v"] is not None]
    n, total = len(cells), sum(cells)
    if how == "rate":
        return (total + prior[0] * prior[1]) / (n + prior[1])
    plain = {"count": n, "sum": total, "nunique": len(set(cells))}
    if how in plain:
        return plain[how]
    if not n:
        return None
    at_time = {e["time"]: e["v"] for e in reversed([e for e in used if e["v"] is not None])}  # the first of equals
    return {
        "mean": total / n, "min": min(cells), "max": max(cells), "last": cells[-1], "first": at_time[times[0]],
        "since_last": t - times[-1], "since_first": t - times[0],
    }[how]  # fmt: skip


def same(found: Any, wanted: Any) -> bool:
    if found is None or wanted is None:
        return found is wanted
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


DAYS = st.integers(0, 12)
EVENTS = st.lists(
    st.fixed_dictionaries({
        "e": st.integers(1, 3), "time": st.one_of(DAYS, st.none()),
        "delay": st.sampled_from([0, 0, 1, 4]), "v": st.one_of(st.integers(-3, 3), st.none()),
        "kind": st.sampled_from(["a", "b", None]),
    }),
    min_size=1, max_size=25,
)  # fmt: skip


def many() -> tuple[list[tuple[int, int]], list[dict[str, Any]]]:
    """Units and events with many equal times, gaps and repeated entities; the same on every call."""
    rng = random.Random(5)
    units = sorted({(rng.randint(1, 80), rng.randint(0, 12)) for _ in range(250)})
    events = [
        {
            "e": rng.randint(1, 80), "time": rng.choice([None, *range(13)]), "delay": rng.choice([0, 0, 1, 4]),
            "v": rng.choice([None, *range(-3, 4)]), "kind": rng.choice(["a", "b", None]),
        }
        for _ in range(1500)
    ]  # fmt: skip
    return units, events


UNITS = st.lists(st.tuples(st.integers(1, 4), DAYS), min_size=1, max_size=6, unique=True)
EVENT_SCHEMA = {"e": pl.Int64, "time": pl.Datetime, "known": pl.Datetime, "v": pl.Float64, "kind": pl.String}


def check_features(folder: Path, units, events, suffix: str, same_time: str, with_known: bool) -> None:
    """Join, and compare every cell of every unit with the reference."""
    if not any(e["time"] is not None and e["e"] in {u for u, _ in units} for e in events):
        return
    for e in events:
        e["known"] = None if e["time"] is None else e["time"] + (e["delay"] if with_known else 0)
    rows = [{**{k: e[k] for k in ("e", "v", "kind")}, "time": day(e["time"]), "known": day(e["known"])} for e in events]
    section = {
        "units": {
            "table": write(
                folder, f"u.{suffix}", [{"e": e, "t": day(t)} for e, t in units], {"e": pl.Int64, "t": pl.Datetime}
            ),
            "entity": "e", "time": "t",
        },
        "features": [{
            "table": write(folder, f"f.{suffix}", rows, EVENT_SCHEMA), "time": "time",
            **({"known_at": "known"} if with_known else {}),
            "columns": {
                "all": {"aggregate": list(AGGREGATES[:-1]), "column": "v"},
                "near": {"aggregate": list(AGGREGATES[:-1]), "column": "v", "window": ["2d", "5d"]},
                "r": {"aggregate": "rate", "column": "v", "smoothing": {"prior": 0.5, "strength": 2}, "window": "5d"},
                "some": {"aggregate": "count", "where": "v > 0 or kind = 'a'"},
                "by": {"aggregate": ["count", "last"], "column": "v", "by": "kind", "levels": ["a", "b"], "window": "5d"},
            },
            "as_of": ["kind"],
        }],
        "outcome": {"table": write(
            folder, "o.csv", [{"e": e, "y": e} for e in range(1, 81)], {"e": pl.Int64, "y": pl.Int64}
        ), "column": "y"},
        "same_time": same_time,
    }  # fmt: skip
    table, _ = joined(folder, section)
    assert table.height == len(units)
    include = same_time == "include"
    for row, (entity, t) in zip(table.iter_rows(named=True), sorted(units), strict=True):
        assert (row["e"], row["prediction_time"]) == (entity, day(t))
        own = [e for e in events if e["e"] == entity]
        for how in AGGREGATES[:-1]:
            assert same(row[f"all_{how}"], reference(own, t, how, None, include)), how
            for window in (2, 5):
                assert same(row[f"near_{how}_{window}d"], reference(own, t, how, window, include)), (how, window)
        assert same(row["r"], reference(own, t, "rate", 5, include, (0.5, 2)))
        chosen = [{**e, "v": 1} for e in own if (e["v"] is not None and e["v"] > 0) or e["kind"] == "a"]
        assert same(row["some"], reference(chosen, t, "count", None, include))
        for level in "ab":
            of_level = [e for e in own if e["kind"] == level]
            for how in ("count", "last"):
                assert same(row[f"by_{level}_{how}"], reference(of_level, t, how, 5, include)), (level, how)
        latest = [
            e for e in own
            if e["time"] is not None and (e["known"] <= t and e["time"] <= t if include else e["known"] < t and e["time"] < t)
        ]  # fmt: skip
        wanted = sorted(latest, key=lambda e: e["time"])[-1]["kind"] if latest else None
        assert row["kind"] == wanted


@QUIET
@given(UNITS, EVENTS, st.sampled_from(["csv", "parquet"]), st.sampled_from(["exclude", "include"]), st.booleans())
def test_features_of_odd_tables_equal_the_reference(tmp_path_factory, units, events, suffix, same_time, with_known):
    check_features(tmp_path_factory.mktemp("join"), units, events, suffix, same_time, with_known)


@pytest.mark.parametrize("with_known", [False, True])
@pytest.mark.parametrize(("suffix", "same_time"), [("parquet", "exclude"), ("csv", "include")])
def test_features_of_many_units_equal_the_reference(tmp_path, suffix, same_time, with_known):
    check_features(tmp_path, *many(), suffix, same_time, with_known)


def check_labels(
    folder: Path, units, events, horizon: int, offset: int, with_known: bool, how: str, wait: str | None
) -> None:
    """Join, and compare which units are kept, and their labels, with the reference."""
    for e in events:
        e["known"] = None if e["time"] is None else e["time"] + (e["delay"] if with_known else 0)
    of_units = [e for e in events if e["time"] is not None and e["e"] in {u for u, _ in units}]
    if not of_units:
        return
    rows = [{**{k: e[k] for k in ("e", "v", "kind")}, "time": day(e["time"]), "known": day(e["known"])} for e in events]
    until = max(e["known"] for e in events if e["time"] is not None)
    delays = sorted(e["known"] - e["time"] for e in events if e["time"] is not None)
    waited = {None: 0.0, "0d": 0.0, "1d": 1.0, "2d": 2.0}[wait]
    if with_known and wait is None:
        waited = next(d for i, d in enumerate(delays, 1) if sum(x <= d for x in delays) >= 0.95 * len(delays) - 1e-9)
    section = {
        "units": {
            "table": write(folder, "u.csv", [{"e": e, "t": day(t)} for e, t in units], {"e": pl.Int64, "t": pl.Datetime}),
            "entity": "e", "time": "t",
        },
        "features": [],
        "outcome": {
            "table": write(folder, "o.csv", rows, EVENT_SCHEMA), "time": "time", "horizon": f"{horizon}d",
            "offset": f"{offset}d", "aggregate": how, **({"column": "v"} if how not in ("any", "count") else {}),
            **({"known_at": "known"} if with_known else {}), **({"wait": wait} if wait else {}),
        },
    }  # fmt: skip
    wanted, n_immature = [], 0
    for entity, t in sorted(units):
        if t + offset + horizon + waited > until:
            n_immature += 1
            continue
        came = [
            e
            for e in events
            if e["e"] == entity and e["time"] is not None and t + offset < e["time"] <= t + offset + horizon
        ]
        came.sort(key=lambda e: e["time"])
        cells = [e["v"] for e in came if e["v"] is not None]
        y = {
            "any": float(bool(came)), "count": len(came), "sum": sum(cells),
            "mean": sum(cells) / len(cells) if cells else None, "last": cells[-1] if cells else None,
        }[how]  # fmt: skip
        if y is not None:
            wanted.append((entity, day(t), y))
    if not wanted:
        with pytest.raises(Exception, match="no unit has an outcome"):
            joined(folder, section)
        return
    table, facts = joined(folder, section)
    assert facts["n_immature"] == n_immature and facts["wait"] == pytest.approx(waited)
    found = list(table.select("e", "prediction_time", "y").iter_rows())
    assert len(found) == len(wanted)
    assert all(a[:2] == b[:2] and same(a[2], b[2]) for a, b in zip(found, wanted))


@QUIET
@given(
    UNITS, EVENTS, st.sampled_from([1, 3, 6]), st.sampled_from([0, 2]), st.booleans(),
    st.sampled_from(["any", "count", "sum", "mean", "last"]), st.sampled_from([None, "0d", "2d"]),
)  # fmt: skip
def test_labels_of_odd_tables_equal_the_reference(
    tmp_path_factory, units, events, horizon, offset, with_known, how, wait
):
    check_labels(tmp_path_factory.mktemp("join"), units, events, horizon, offset, with_known, how, wait)


@pytest.mark.parametrize(("horizon", "offset", "with_known", "how", "wait"), [
    (2, 0, True, "any", None), (3, 1, True, "sum", "1d"), (2, 0, False, "any", None), (1, 0, False, "last", None),
    (3, 0, False, "mean", "2d"), (2, 0, True, "count", "0d"),
])  # fmt: skip
def test_labels_of_many_units_equal_the_reference(tmp_path, horizon, offset, with_known, how, wait):
    check_labels(tmp_path, *many(), horizon, offset, with_known, how, wait)
