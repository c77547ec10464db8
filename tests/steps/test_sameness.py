"""Levels that differ in case alone, and last rows that sum up the others."""

import polars as pl
import pytest

from fieldguide.core.documents.config import Config
from fieldguide.core.files.source import open_source
from fieldguide.core.table import Column
from fieldguide.parts import modality
from fieldguide.steps.begin.begin import begin
from fieldguide.steps.detect.columns import detect_columns
from fieldguide.steps.frame.frame import frame

CELLS = ["Ja", "nein", "JA ", "Nein", "ja", "nein"] * 5


def columns_of(rows, **options):
    return {column.name: column for column in detect_columns(open_source(rows), **options)}


def test_spellings_of_a_target_are_found_and_read_as_one_where_study_yaml_says_so(tmp_path):
    rows = {"x": [k * 0.5 for k in range(30)], "y": CELLS}
    assert columns_of(rows, targets=["y"])["y"].facts["spellings"] == [["nein", "Nein"], ["Ja", "JA", "ja"]]
    folder = begin(rows, "y", tmp_path / "study", {})
    text = (folder / "study.yaml").read_text()
    assert "# columns: {y: {read: {case: ignore}}}  # ? are 'nein', 'Nein' one label?" in text
    told = {
        "problem": {"target": "y"},
        "data": {"table": str(folder / "data.parquet"), "columns": {"y": {"read": {"case": "ignore"}}}},
    }
    framed = frame(Config.from_dict(told))
    assert (framed.problem.output.task.name, framed.problem.output.labels) == ("binary", ("ja", "nein"))
    assert not [f for f in framed.findings if f.code == "FG112" and f.status == "fired"]


def test_a_category_in_one_case_is_read_cell_by_cell_as_well():
    column = Column("town", "category", read={"case": "ignore", "missing": ["?"]})
    cells = ["New  York", "NEW york", "?", None, "ÖD", "3.0"]
    typed, broken = modality("category").read(pl.Series(cells), column)
    assert typed.to_list() == ["new york", "new york", None, None, "öd", "3"]
    assert not broken.any()
    assert [modality("category").read_value(cell, column)[0] for cell in cells] == typed.to_list()


def test_texts_that_are_declared_missing_in_the_target_are_no_label():
    rows = {"x": [k * 0.5 for k in range(30)], "y": ["a", "b", "unknown"] * 10}
    told = {"problem": {"target": "y"}, "data": {"table": "t", "columns": {"y": {"read": {"missing": ["unknown"]}}}}}
    from fieldguide.steps.frame.frame import look

    assert look(open_source(rows), Config.from_dict(told))[2]["y"].task == "binary"


@pytest.mark.parametrize("last", [("Total", None), (None, "sums"), ("Total", "sums")])
def test_a_last_row_of_totals_is_known_by_its_word_or_by_its_sums(last):
    word, sums = last
    values = {"a": [1.5 * k for k in range(12)], "b": [float(k % 5) for k in range(12)]}
    rows = {
        "name": [*(f"r{k}" for k in range(12)), word or "r12"],
        **{n: [*map(str, v), str(sum(v)) if sums else "3"] for n, v in values.items()},
    }
    found = {name: column.facts["total"] for name, column in columns_of(rows).items() if "total" in column.facts}
    assert set(found) == ({"name"} if word else set()) | ({"a", "b"} if sums else set())
    assert all(one["row"] == 12 for one in found.values())


def test_a_column_that_sums_by_chance_and_a_word_that_is_met_again_are_no_totals():
    rows = {"name": ["all", *(f"r{k}" for k in range(11)), "all"], "a": [*map(str, range(12)), str(sum(range(12)))]}
    assert not any("total" in column.facts for column in columns_of(rows).values())


def test_a_last_row_that_is_larger_than_the_others_is_no_total_where_all_numbers_are_small():
    rows = {name: [*(1e-5 * (k % 7 + 1) for k in range(40)), last] for name, last in (("a", 3e-4), ("b", 2.5e-4))}
    assert not any("total" in column.facts for column in columns_of(rows).values())
