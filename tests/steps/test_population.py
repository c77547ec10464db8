"""Populations: learn from one, judge another; the seal follows the judged rows; immature rows are left out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import fieldguide as fg
from fieldguide.core.errors import ConfigError, DataError


def study(folder: Path, frame: pl.DataFrame, *lines: str) -> fg.Study:
    made = fg.Study.create(frame, target="y", out=folder / "study")
    path = made.folder / "study.yaml"
    path.write_text(path.read_text() + "\n".join(lines) + "\n")
    return fg.Study(made.folder)


def visits(n: int = 600) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    x, first = rng.normal(size=n), rng.random(n) < 0.4
    return pl.DataFrame(
        {"x": x, "z": rng.normal(size=n), "first_visit": first, "y": (x + rng.normal(size=n) > 0).astype(int)}
    )


def test_the_seal_and_the_folds_follow_the_judged_population(tmp_path: Path) -> None:
    frame = visits()
    made = study(tmp_path, frame, 'population: {train: all, evaluate: "first_visit = true"}')
    facts = made.split()
    first = frame["first_visit"].to_numpy()
    split = made.material.divided.split
    assert first[split.test].all() and facts["n_test"] == pytest.approx(0.15 * first.sum(), abs=2)
    assert not len(split.purged) and len(split.development) == 600 - facts["n_test"]
    for fold in split.folds:
        assert first[split.work[fold.validation]].all()
        assert (~first[split.work[fold.train]]).sum() == (~first).sum(), "the others teach in every fold"
        assert not set(fold.train) & set(fold.validation)


def test_rows_outside_both_populations_are_used_by_nobody(tmp_path: Path) -> None:
    frame = visits()
    made = study(tmp_path, frame, 'population: {train: "x > -1", evaluate: "first_visit = true and x > -1"}')
    facts = made.split()
    assert facts["n_purged"] == int((frame["x"] <= -1).sum())
    split = made.material.divided.split
    assert (frame["x"].to_numpy()[split.development] > -1).all()


def test_judged_rows_that_may_not_teach_are_never_fitted_on(tmp_path: Path) -> None:
    frame = visits()
    made = study(tmp_path, frame, 'population: {train: "first_visit = false", evaluate: "first_visit = true"}')
    made.split()
    split, first = made.material.divided.split, frame["first_visit"].to_numpy()
    assert split.learned is not None and not first[split.learned].any()
    assert all(not first[split.work[fold.train]].any() for fold in split.folds)
    assert len(made.material.rows_of(made.material.to_learn)) == int((~first).sum())


def delayed(n: int = 3000, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    age = np.sort(rng.uniform(0, 200, n))[::-1]
    x = rng.normal(size=n)
    happens = rng.random(n) < 1 / (1 + np.exp(-(x - 0.8)))
    arrived = rng.exponential(8, n) < age
    start = datetime(2024, 1, 1)
    return pl.DataFrame({
        "day": [start + timedelta(days=float(200 - a)) for a in age], "x": x, "z": rng.normal(size=n),
        "y": (happens & arrived).astype(int),
    })  # fmt: skip


def test_rows_whose_outcomes_are_still_arriving_are_left_out_and_counted(tmp_path: Path) -> None:
    frame = delayed()
    made = study(tmp_path, frame)
    found: Any = made.frame()["population"]["immature"]
    assert found["left_out"] and 100 < found["n"] < 900
    made.split()
    split = made.material.divided.split
    days = frame["day"].to_numpy()
    assert str(days[np.union1d(split.development, split.test)].max()) < found["from"]
    assert any(f.code == "FG109" and f.fired for f in made.frame().findings)
    kept = study(tmp_path / "kept", frame, "population: {immature: keep}")
    assert kept.split()["n_purged"] == 0


def test_along_time_a_row_teaches_once_its_target_is_known(tmp_path: Path) -> None:
    frame = delayed(1200)
    frame = frame.with_columns((pl.col("day") + pl.duration(days=20)).alias("known"))
    path = study(tmp_path, frame, "population: {immature: keep}").folder / "study.yaml"
    path.write_text(path.read_text().replace("data:\n", "data:\n  known_at: known\n", 1))
    made = fg.Study(path.parent)
    made.split()
    split, day, known_at = made.material.divided.split, frame["day"].to_numpy(), frame["known"].to_numpy()
    cut = day[split.test].min()
    assert split.learned is not None and (known_at[split.learned] <= cut).all()
    late = np.setdiff1d(split.development, split.learned)
    assert len(late) and (known_at[late] > cut).all()
    for fold in split.folds:
        assert known_at[split.work[fold.train]].max() <= day[split.work[fold.validation]].min()
    assert len(made.material.to_ship) == 1200, "by the time it is shipped, all of them are known"


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("population: {evaluate: 'y = \"1\"'}", ConfigError, "population.evaluate reads the target 'y'"),
        ('population: {train: "x > 1000"}', DataError, "population.train holds 0 of 600 rows"),
        ('population: {train: "x + 1"}', ConfigError, "it gives a number"),
    ],
)
def test_populations_that_cannot_be(tmp_path: Path, line: str, error: type[Exception], words: str) -> None:
    made = study(tmp_path, visits(), line)
    with pytest.raises(error) as caught:
        made.frame()
    assert words in str(caught.value)


def test_derived_columns_take_the_place_that_study_yaml_gives_them(tmp_path: Path) -> None:
    """A household made of two columns divides the rows; what is named as ignored, or as a mark, reaches no model."""
    rng = np.random.default_rng(0)
    frame = visits(240).with_columns(street=rng.integers(0, 12, 240), house=rng.integers(0, 4, 240))
    made = study(
        tmp_path, frame, "split: {column: held, test: 'true'}"
    )  # fmt: skip
    path = made.folder / "study.yaml"
    path.write_text(re.sub(
        r"^(  table: .*\n)",
        r"\1  derive: {household: street * 10 + house, held: street >= 10, half: x / 2}\n  group: household\n  columns: {half: ignore}\n",
        re.sub(r"^  group: .*\n", "", path.read_text(), flags=re.M), flags=re.M,
    ))  # fmt: skip
    made = fg.Study(made.folder)
    made.split()
    units = np.unique(frame["street"].to_numpy() * 10 + frame["house"].to_numpy(), return_inverse=True)[1]
    blocks, split = made.material.divided.roles.blocks, made.material.divided.split
    assert all(len(np.unique(blocks[units == unit])) == 1 for unit in range(units.max() + 1))
    for fold in split.folds:
        assert not set(units[split.work[fold.train]]) & set(units[split.work[fold.validation]])
    assert set(np.flatnonzero(frame["street"].to_numpy() >= 10)) == set(split.test)
    assert {c.name for c in made.material.rows.columns} <= {"x", "z", "first_visit", "street", "house"}


def test_a_derived_column_that_cannot_take_its_place_is_refused(tmp_path: Path) -> None:
    for number, (lines, said) in enumerate((
        ("  derive: {when: x * 2}\n  time: when\n", r"data\.time names 'when', which is a number.*Found: x \* 2\. Do: name a column"),
        ("  derive: {name: x * 2}\n  key: name\n", r"data\.key: rows are named by a column of the table, not by a derived one"),
    )):  # fmt: skip
        made = study(tmp_path / str(number), visits(60))
        path = made.folder / "study.yaml"
        path.write_text(re.sub(r"^(  table: .*\n)", rf"\1{lines}", path.read_text(), flags=re.M))
        with pytest.raises(ConfigError, match=said):
            fg.Study(made.folder).frame()
