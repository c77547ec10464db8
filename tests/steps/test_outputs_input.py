"""Outputs in study.yaml and in tables: what is guessed, what is refused, and with which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.documents.asked import asked_of
from fieldguide.core.documents.config import Config, parse_config
from fieldguide.core.errors import ConfigError, DataError
from fieldguide.core.table import Column
from fieldguide.steps.begin.begin import begin
from fieldguide.steps.detect.joint import guess_of, mark_of
from fieldguide.steps.frame.frame import frame
from fieldguide.steps.frame.framed import Framed
from fieldguide.steps.frame.outputs import MOST_VIEWS, simple

N = 40


def framed(tmp_path: Path, frame_: pl.DataFrame, **problem: Any) -> Framed:
    path = tmp_path / "t.parquet"
    frame_.with_columns(x=pl.Series(np.arange(frame_.height) * 7 % 13)).write_parquet(path)
    return frame(Config.from_dict({"problem": problem, "data": {"table": str(path)}}, tmp_path))


def moods() -> list[list[str]]:
    return [[name for name, every in (("a", 2), ("b", 3), ("c", 5)) if i % every == 0] for i in range(N)]


def test_a_list_of_targets_is_an_output_each_unless_the_task_takes_several() -> None:
    def asked(**problem: Any) -> list[tuple[str, tuple[str, ...]]]:
        config = Config.from_dict({"problem": problem, "data": {"table": "t.csv"}})
        return [(one.name, one.columns) for one in asked_of(config.problem)]

    assert asked(target=["a", "b"]) == [("a", ("a",)), ("b", ("b",))]
    assert asked(target=["a", "b"], task="multilabel") == [("a+b", ("a", "b"))]
    assert asked(outputs=["a", {"name": "box", "columns": ["l", "t"]}]) == [("a", ("a",)), ("box", ("l", "t"))]


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("outputs: []", "problem.outputs: must be a list of outputs"),
        ("outputs: [{task: binary}]", r"problem.outputs\[0\]: an output names its column, or its columns"),
        ("outputs: [a, {columns: [b, a]}]", r"problem.outputs\[1\]: the column 'a' stands in two places"),
        (
            "outputs: [{column: a, name: n}, {column: b, name: n}]",
            r"outputs\[1\].name: two outputs have the same name; found 'n'",
        ),
        ("outputs: [{colum: a}]", r"problem.outputs\[0\].colum: unknown key \(did you mean 'column'\?\)"),
        ("{target: a, outputs: [b]}", "problem.target: is said of each output: move it into problem.outputs"),
        ("{metric: rmse, outputs: [b]}", "problem.metric: is said of each output"),
        ("outputs: [{column: a, weight: 0}]", r"problem.outputs\[0\].weight: must be greater than 0"),
    ],
)
def test_mistakes_in_outputs_are_told_with_their_place(problem: str, said: str) -> None:
    text = f"problem: {problem}" if problem.startswith("{") else f"problem:\n  {problem}"
    with pytest.raises(ConfigError, match=said):
        parse_config(f"{text}\ndata: {{table: t.csv}}\n", Path())


def test_names_in_outputs_are_checked_against_table_and_parts(tmp_path: Path) -> None:
    rows = pl.DataFrame({"left": np.arange(N) * 1.0, "top": np.arange(N) * 2.0})
    outputs = [{"columns": ["left", "topp"], "task": "vectr", "metric": "armse"}]
    with pytest.raises(ConfigError) as caught:
        framed(tmp_path, rows, outputs=outputs)
    for said in (
        "problem.outputs[0].columns[1]: there is no column 'topp' (did you mean 'top'?)",
        "problem.outputs[0].task: there is no task 'vectr' (did you mean 'vector'?)",
        "problem.outputs[0].metric: there is no metric 'armse' (did you mean 'arrmse'?)",
    ):
        assert said in str(caught.value)


@pytest.mark.parametrize("form", ["list", "text", "semicolons", "json", "columns"])
def test_a_label_set_is_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    problem: dict[str, Any] = {"outputs": [{"column": "mood", "task": "multilabel", "blank": "none"}]}
    if form == "columns":
        rows = pl.DataFrame({k: [int(k in labels) for labels in moods()] for k in "abc"})
        problem = {"target": ["a", "b", "c"], "task": "multilabel"}
    elif form == "list":
        rows = pl.DataFrame({"mood": moods()})
    else:
        mark = {"text": "|", "semicolons": "; "}.get(form)
        rows = pl.DataFrame({"mood": [mark.join(v) if mark else str(v).replace("'", '"') for v in moods()]})
    found = framed(tmp_path, rows, **problem)
    output = found.problem.output
    assert output.labels == ("a", "b", "c") and output.family == "multilabel"
    wanted = [[int(k in labels) for k in "abc"] for labels in moods()]
    assert output.code(found.table.frame[output.name]).tolist() == wanted


def test_an_empty_text_is_a_missing_set_unless_said_otherwise(tmp_path: Path) -> None:
    rows = pl.DataFrame({"mood": ["|".join(v) for v in moods()]})
    empty = sum(not v for v in moods())
    assert framed(tmp_path, rows, target="mood", task="multilabel").table.n_rows == N - empty
    output = {"column": "mood", "task": "multilabel", "blank": "none"}
    assert framed(tmp_path, rows, outputs=[output]).table.n_rows == N


def test_labels_that_are_stated_are_the_only_ones(tmp_path: Path) -> None:
    rows = pl.DataFrame({"mood": ["|".join(v or ["a"]) for v in moods()]})
    output = {"column": "mood", "task": "multilabel", "labels": ["a", "b"]}
    with pytest.raises(
        DataError, match=r"the target 'mood' holds the unknown label 'c' in \d+ rows \(the first is row 0\)"
    ):
        framed(tmp_path, rows, outputs=[output])


def test_a_vector_needs_every_entry(tmp_path: Path) -> None:
    left = [float(i) for i in range(N)]
    rows = pl.DataFrame({"left": left, "top": [None if i in (3, 9) else -v for i, v in enumerate(left)]})
    with pytest.raises(
        DataError, match=r"the entry 'top' of the target 'left\+top' is missing in 2 rows \(the first is row 3\)"
    ):
        framed(tmp_path, rows, target=["left", "top"], task="vector")


def test_a_row_without_any_entry_has_no_target(tmp_path: Path) -> None:
    left = [None if i == 5 else float(i) for i in range(N)]
    rows = pl.DataFrame({"left": left, "top": [None if v is None else -v for v in left]})
    found = framed(tmp_path, rows, target=["left", "top"], task="vector")
    assert (found.table.n_rows, found.facts["n_without_target"]) == (N - 1, 1)


def test_a_vector_of_words_and_a_set_of_amounts_are_refused(tmp_path: Path) -> None:
    rows = pl.DataFrame({"left": np.arange(N) * 1.0, "word": ["x", "y"] * (N // 2)})
    with pytest.raises(DataError, match=r"make no vector.*'word' holds '[xy]', '[xy]'"):
        framed(tmp_path, rows, target=["left", "word"], task="vector")
    with pytest.raises(DataError, match=r"make no multilabel.*'left' holds"):
        framed(tmp_path, rows.drop("word").with_columns(b=pl.lit(1)), target=["left", "b"], task="multilabel")


def test_a_label_in_every_row_is_refused(tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": [0, 1] * (N // 2), "b": [1] * N})
    with pytest.raises(DataError, match=r"the label 'b' of 'a\+b' is 1 in every row"):
        framed(tmp_path, rows, target=["a", "b"], task="multilabel")


@pytest.mark.parametrize(
    ("task", "metric", "able"),
    [
        ("regression", "poisson_deviance", "rmse"),
        ("multiclass", "quadratic_weighted_kappa", "log_loss"),
        ("count", "hamming_loss", "poisson_deviance"),
    ],
)
def test_a_metric_that_does_not_suit_the_task_is_refused(tmp_path: Path, task: str, metric: str, able: str) -> None:
    with pytest.raises(ConfigError, match=rf"metric '{metric}' cannot judge 'y'.*{able}"):
        framed(tmp_path, pl.DataFrame({"y": [i % 4 for i in range(N)]}), target="y", task=task, metric=metric)


def test_costs_need_a_binary_output(tmp_path: Path) -> None:
    rows = pl.DataFrame({"y": [i % 7 * 1.5 for i in range(N)], "z": ["no", "yes"] * (N // 2)})
    costs = {"false_positive": 1.0, "false_negative": 2.0}
    assert framed(tmp_path, rows, target=["y", "z"], costs=costs).problem.costs == costs
    with pytest.raises(ConfigError, match="costs"):
        framed(tmp_path, rows, target="y", costs=costs)


def test_counts_and_levels_are_proposed_and_not_taken() -> None:
    cells = pl.Series("stars", [1, 2, 3, 4] * 20)
    config = Config.from_dict({"problem": {"target": "stars"}, "data": {"table": "t.csv"}})
    guess = guess_of(asked_of(config.problem)[0], cells.to_frame(), {"stars": Column("stars", "number", "target")})
    assert guess.task == "regression"
    assert "task: ordinal" in guess.questions[0] and "task: count" in guess.questions[0]


@pytest.mark.parametrize(
    ("cells", "mark"),
    [
        (["a|b", "b|c", "a", "c", "b", "a|c"], "|"),
        (["a;b", "b; c", "a", "c", "b", "a;c"], ";"),
        (["a, b", "c, d"] * 3, ""),
        ([f"id|{i}" for i in range(30)], ""),
        (["x|1", "x|2", "x|3", "x", "x|4"], ""),
        (["only|this"] * 6 + ["only|that"] * 6, ""),
    ],
)
def test_marks_between_labels_are_found_where_they_are_sure(cells: list[str], mark: str) -> None:
    assert mark_of(pl.Series("mood", cells)) == mark


def test_study_yaml_says_what_was_guessed_of_each_output(tmp_path: Path) -> None:
    rows = {"x": list(range(N)), "mood": moods(), "buy": ["no", "yes"] * (N // 2)}
    folder = begin(pl.DataFrame(rows), ["mood", "buy"], tmp_path / "study", {})
    text = (folder / "study.yaml").read_text()
    assert "    - {column: mood, task: multilabel}  # = sets of 3 labels" in text
    assert "    - {column: buy, task: binary, positive: 'yes'}  # = two different values" in text


def test_outputs_are_looked_at_one_label_or_entry_at_a_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wide = {f"l{i:02d}": (rng.random(N) < 0.2 + 0.02 * i).astype(int) for i in range(12)}
    rows = pl.DataFrame({**wide, "left": rng.normal(size=N), "top": rng.normal(size=N)})
    outputs = [{"name": "many", "columns": list(wide)}, {"columns": ["left", "top"]}]
    found = framed(tmp_path, rows, outputs=outputs)
    table, problem, told = simple(found.table, found.problem)
    assert len(problem.outputs) == MOST_VIEWS + 2 and told[0]["of"] == 12 and len(told[0]["looked_at"]) == MOST_VIEWS
    frequent = sorted(wide, key=lambda k: -wide[k].sum())[:MOST_VIEWS]
    assert set(told[0]["looked_at"]) == set(frequent)
    label = told[0]["looked_at"][0]
    assert problem.outputs[0].code(table.frame[label]).tolist() == wide[label].tolist()
    assert problem.outputs[-1].code(table.frame["top"]).tolist() == rows["top"].to_list()
