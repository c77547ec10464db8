"""The honesty benchmark's worlds: they build, the file holds none of the fresh rows, and the codes that name them exist."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from benchmarks.honesty.faults import CLEAN, FAULTS, REAL, SYNTHETIC
from benchmarks.honesty.judge import judged, naming
from benchmarks.honesty.table import tables
from benchmarks.honesty.world import Fault, World

from fieldguide.parts import find, names

EVERY = {**FAULTS, **CLEAN}


@cache
def made(fault: Fault) -> World:
    try:
        return fault.make(0)
    except FileNotFoundError as missing:
        pytest.skip(f"{missing}")


def test_there_are_enough_faults_and_clean_worlds() -> None:
    assert len(SYNTHETIC) >= 24
    assert len(REAL) >= 10
    assert len(CLEAN) == 10
    assert len(FAULTS) == len(SYNTHETIC) + len(REAL), "two faults share a name"
    assert all(fault.codes and fault.about for fault in FAULTS.values())
    assert not any(fault.codes for fault in CLEAN.values())


@pytest.mark.parametrize("name", FAULTS)
def test_the_columns_at_fault_are_in_the_file(name: str) -> None:
    assert set(FAULTS[name].columns) <= set(made(FAULTS[name]).train.columns)


@pytest.mark.parametrize("name", EVERY)
def test_a_world_has_a_file_and_fresh_rows_of_the_same_columns(name: str) -> None:
    world = made(EVERY[name])
    assert world.train.schema == world.fresh.select(world.train.columns).schema
    assert world.train.height >= 50
    assert world.fresh.height >= (20_000 if name in SYNTHETIC else 100)
    for frame in (world.train, world.fresh, *([world.test] if world.test is not None else [])):
        assert frame[world.target].null_count() == 0
        assert frame[world.target].dtype.is_numeric() or world.metric == "roc_auc"
    labels = [set(frame[world.target].unique()) for frame in (world.train, world.fresh)]
    assert world.metric == "rmse" or labels[0] == labels[1]


@pytest.mark.parametrize("name", EVERY)
def test_the_file_holds_no_fresh_row(name: str) -> None:
    world = made(EVERY[name])
    known = [column for column in world.train.columns if world.fresh[column].null_count() < world.fresh.height]
    files = [world.train] if world.test is None else [world.train, world.test]
    for frame in files:
        assert frame.join(world.fresh, on=known, how="semi", nulls_equal=True).height == 0


@pytest.mark.parametrize("name", ["exact_duplicates", "late_labels", "pure_noise_140", "clean_harvests"])
def test_a_world_is_its_seed_s(name: str) -> None:
    fault = EVERY[name]
    assert fault.make(0).train.equals(fault.make(0).train)
    assert fault.make(0).fresh.equals(fault.make(0).fresh)
    assert not fault.make(0).train.equals(fault.make(1).train)


def test_the_codes_that_name_faults_exist() -> None:
    there = {name[:5].upper() for name in names("checks")}
    missing = {code: fault.name for fault in FAULTS.values() for code in fault.codes if code not in there}
    assert not missing


def test_what_is_said_is_judged(tmp_path) -> None:
    rng = np.random.default_rng(0)

    def drawn(n: int) -> pl.DataFrame:
        return pl.DataFrame({"x": rng.normal(size=n), "y": np.arange(n) % 2}).with_columns(
            y=pl.col("y").cast(pl.String)
        )

    world = World(drawn(200), "y", drawn(2000))
    answers = world.fresh["x"].to_numpy() + (world.fresh["y"] == "1").to_numpy()
    pl.DataFrame({"0": -answers, "1": answers}).write_csv(tmp_path / "ours.csv")
    fault = Fault("planted", lambda seed: world, ("FG203", "FG306"))
    findings = [
        {"code": "FG203", "severity": "info", "columns": []},
        {"code": "FG306", "severity": "error", "columns": ["x"]},
        {"code": "FG804", "severity": "warning", "columns": []},
    ]
    said = {"reported": 0.8, "interval": [0.7, 0.9], "declined": "", "findings": findings, "failed": "", "seconds": 3}
    row = judged(fault, world, said, tmp_path / "ours.csv", seed=0)
    exact = find("metrics", "roc_auc")().score(np.arange(2000) % 2, np.column_stack([-answers, answers]))
    assert row["true"] == pytest.approx(exact)
    assert row["inside"] is True
    assert row["by"] == ["FG306"], "an info does not name a fault that wants a warning"
    assert row["warnings"] == ["FG306", "FG804"]
    assert row["width_ratio"] == pytest.approx(0.2 / row["clean_width"])
    assert not judged(fault, world, {**said, "interval": [0.2, 0.3]}, tmp_path / "ours.csv", seed=0)["inside"]
    elsewhere = Fault("planted", lambda seed: world, ("FG203", "FG306"), columns=("z",))
    assert not naming(elsewhere, findings)["named"], "another column was blamed"

    runs = [{"fault": "planted", "seed": 0, "tool": "ours", **row, **said}]
    assert "| planted | ours | 200 | roc_auc | 0.800 [0.700, 0.900] |" in tables(runs)
    assert "1 of 1 (100 %)" in tables(runs)


def test_declining_counts_only_where_it_is_allowed(tmp_path) -> None:
    said = {
        "reported": None,
        "interval": None,
        "declined": "the future differs",
        "findings": [],
        "failed": "",
        "seconds": 1,
    }
    frame = pl.DataFrame({"x": [1.0], "y": [1.0]})
    lines = []
    for allowed in (True, False):
        world = World(frame, "y", frame, "rmse", may_decline=allowed)
        row = judged(Fault("planted", lambda seed, w=world: w), world, said, tmp_path / "none.csv", seed=0)
        lines.append(tables([{"fault": "planted", "seed": 0, "tool": "ours", **row, **said}]).splitlines()[-1])
    assert "1 of 1 (100 %) | 1 |" in lines[0]
    assert "0 of 1 (0 %) | 0 |" in lines[1]
