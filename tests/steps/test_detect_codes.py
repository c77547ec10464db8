"""Codes for "unknown": init declares those that are sure, study.yaml is obeyed, and the line overrules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fieldguide.core.documents.config import load_config
from fieldguide.core.files.source import open_source
from fieldguide.core.table import Column
from fieldguide.steps.begin.begin import begin
from fieldguide.steps.detect.codes import sure_codes
from fieldguide.steps.frame.frame import look


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    n = 600
    size = rng.normal(90, 20, n).round(1)
    size[:40] = -999
    visits = rng.integers(0, 30, n).astype(str)
    visits[40:90], visits[90:95] = "999", "n.a."
    frame = pl.DataFrame(
        {"size, m2": size, "visits": visits, "age": rng.integers(18, 90, n), "rent": rng.normal(9, 2, n)}
    )
    frame.write_csv(tmp_path / "flats.csv")
    return tmp_path / "flats.csv"


def read(folder: Path) -> dict[str, list[str]]:
    config = load_config(folder / "study.yaml")
    columns, _, _ = look(open_source(config.data.table), config)
    return {column.name: list(column.read.get("missing", ())) for column in columns}


def test_init_declares_codes_that_are_sure_and_says_why(table, tmp_path):
    folder = begin(table, "rent", tmp_path / "study", {})
    lines = (folder / "study.yaml").read_text().splitlines()
    first = next(line for line in lines if "'size, m2': {read" in line)
    assert "['-999']}}  # = -999 in 40 rows, all others from " in first and first.endswith(
        "remove the line if it is a number"
    )
    found = read(folder)
    assert found["size, m2"] == ["-999"] and found["visits"] == ["n.a.", "999"] and found["age"] == []


def test_without_the_line_the_code_is_a_number(table, tmp_path):
    folder = begin(table, "rent", tmp_path / "study", {})
    lines = [line for line in (folder / "study.yaml").read_text().splitlines() if "'size, m2': {read" not in line]
    (folder / "study.yaml").write_text("\n".join(lines))
    assert read(folder)["size, m2"] == []


def test_without_codes_the_file_says_how_columns_are_left_out(tmp_path):
    pl.DataFrame({"a": np.arange(50.0), "y": np.arange(50.0)}).write_csv(tmp_path / "t.csv")
    text = (begin(tmp_path / "t.csv", "y", tmp_path / "study", {}) / "study.yaml").read_text()
    assert "  # columns: {name: ignore}  # ? " in text and "\n  columns:" not in text


def test_a_code_of_the_target_is_left_to_a_person(tmp_path):
    y = np.random.default_rng(0).normal(90, 20, 300)
    y[:30] = -999
    pl.DataFrame({"a": np.arange(300.0), "y": y}).write_csv(tmp_path / "t.csv")
    assert "read: {missing" not in (begin(tmp_path / "t.csv", "y", tmp_path / "study", {}) / "study.yaml").read_text()


def test_a_code_of_eight_nines_is_written_as_it_stands():
    source = open_source({"size": [*range(40, 140), *[99_999_999] * 12]})
    (one,) = sure_codes(source, (Column("size", "number"),))
    assert one.tokens == ("99999999",) and one.why.startswith("99999999 in 12 rows")
