"""Bad input ends in one clear message or a named finding, the designed exit status, and nothing lost."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command, houses, people, small_study
from fieldguide.core.errors import ContractError, DataError, StudyError
from fieldguide.core.journal import Journal
from fieldguide.core.model import predict_file
from fieldguide.workflow import Study, load_model

N = 80
PEOPLE = people(N)
Change = Callable[[str], str]


def csv(frame: pl.DataFrame, separator: str = ",") -> bytes:
    return frame.write_csv(separator=separator).encode()


def altered(row: int, column: str, cell: str | None, frame: pl.DataFrame = PEOPLE) -> pl.DataFrame:
    """The table with one cell altered, its column as text."""
    here = pl.int_range(frame.height) == row
    return frame.with_columns(pl.when(here).then(pl.lit(cell)).otherwise(pl.col(column).cast(pl.String)).alias(column))


def replaced(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def kept(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# --- tables that cannot be used: refused by `init`, and no folder is left behind ---------------------------------------


@dataclass(frozen=True)
class Refused:
    """A table that `init` refuses."""

    name: str
    data: bytes
    message: str
    suffix: str = ".csv"
    target: str = "bought"


def truncated_parquet() -> bytes:
    import io

    file = io.BytesIO()
    PEOPLE.write_parquet(file)
    return file.getvalue()[:-100]


REFUSED = [
    Refused("empty file", b"", r"t\.csv is empty\n  Rule: a table has a header and at least one row\n.*\n  Do: check the export"),
    Refused("header only", b"age,bought\n", r"has a header and no rows\n.*\n  Found: a header with 2 columns \(age, bought\)"),
    Refused("no header", csv(PEOPLE).split(b"\n", 1)[1], r"has no header\n  Rule: the first line names the columns"),
    Refused("one class", csv(PEOPLE.with_columns(bought=pl.lit("yes"))), r"'bought' has one value only\n.*\n  Found: 'yes' in all 80 rows"),
    Refused("no target at all", csv(PEOPLE.with_columns(bought=pl.lit(None, pl.String))), r"'bought' has no values\n.*\n  Found: 80 missing cells"),
    Refused("a text as target", csv(PEOPLE.with_columns(bought=pl.int_range(N).cast(pl.String) + "th note")), r"too many different texts to be classes"),
    Refused("a date as target", csv(PEOPLE), r"the target 'joined' is a date\n.*\n.*\n  Do: predict a duration", target="joined"),
    Refused("duplicate names", csv(PEOPLE).replace(b"spend", b"age", 1), r"duplicate column names\n  Rule: column names are unique\n  Found: 'age' stands 2 times"),
    Refused("enormous cell", csv(PEOPLE) + b'3,"' + b"x" * 1_500_000 + b'",yes,1,2020-01-01,yes\n', r"enormous cell\n.*\n  Found: line 82, column 2: 1\.5 MB"),
    Refused("wrong encoding", csv(altered(3, "city", "Köln")).decode().encode("latin-1"), r"is not UTF-8 text\n.*\n  Found: byte 0xf6 in line 5.*\n  Do: .*iconv"),
    Refused("ragged", csv(PEOPLE) + b"1,2\n", r"is ragged.*\n.*\n  Found: line 82 has 2 cells where the header has 6"),
    Refused("truncated Parquet", truncated_parquet(), r"cannot be read as Parquet\n.*\n  Found: .*truncated", suffix=".parquet"),
    Refused("no Parquet", csv(PEOPLE), r"cannot be read as Parquet\n  Rule: a Parquet file ends in its footer", suffix=".parquet"),
    Refused("unknown extension", csv(PEOPLE), r"has an unknown suffix\n.*\n  Found: '\.xlsx'\n  Do: save the sheet as CSV", suffix=".xlsx"),
    Refused("target misspelt", csv(PEOPLE), r"has no column 'bougth' \(did you mean 'bought'\?\)", target="bougth"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_a_table_that_cannot_be_used_is_refused_by_init(case: Refused, tmp_path: Path, command: Command) -> None:
    table = tmp_path / f"t{case.suffix}"
    table.write_bytes(case.data)
    done = command("init", table, "--target", case.target, "--out", tmp_path / "study")
    assert done.status == 2
    assert re.search(case.message, done.err), done.err
    assert done.out == ""
    assert "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == [table.name]
    assert table.read_bytes() == case.data


# --- studies that cannot be had: refused by a step, and what was there stays --------------------------------------------


@dataclass(frozen=True)
class Impossible:
    """A study whose step is refused."""

    name: str
    table: pl.DataFrame
    message: str
    change: Change = str
    target: str = "bought"
    verb: str = "split"


def dates_missing() -> pl.DataFrame:
    return altered(5, "joined", None)


def task_line(more: str) -> Change:
    return replaced("  task:", f"  {more}\n  task:")


IMPOSSIBLE = [
    Impossible("3 rows", PEOPLE.head(3), r"3 rows are too few to seal a test set.*\n  Rule: a study has at least 20 rows with a target"),
    Impossible("19 rows", PEOPLE.head(19), r"19 rows are too few"),
    Impossible("time with gaps", dates_missing(), r"'joined' has no time in 1 rows\n.*\n  Do: fill or drop these rows, or set split\.by: random", replaced("  # time:", "  time:")),
    Impossible("a number as time", PEOPLE, r"data\.time names 'spend', which is a number\n  Rule: the time column holds dates", replaced("data:\n", "data:\n  time: spend\n")),
    Impossible(
        "one group", PEOPLE.with_columns(clinic=pl.lit("A7")), r"SplitError: no test set can be sealed\n  Rule: rows of one block .*stay in one part\n  Found: .*80 to learn from and 0 to seal",
        replaced("data:\n", "data:\n  group: clinic\n"),
    ),
    Impossible("bad metric for the task", PEOPLE, r"metric 'rmse' cannot judge 'bought'\n.*\n  Found: the task is binary\n  Do: use one of accuracy, ", replaced("  # metric:", "  metric: rmse  #")),
    Impossible("unknown metric", PEOPLE, r"study\.yaml has a mistake\n.*\n  Found:\n    line 10, problem\.metric: there is no metric 'roc_uac' \(did you mean 'roc_auc'\?\)", replaced("  # metric:", "  metric: roc_uac  #")),
    Impossible("negative target under log1p", houses(N).with_columns(pl.col("price") - 300), r"problem\.transform is log1p and 'price' has negative values\n.*\n  Found: the smallest is -201", task_line("transform: log1p"), "price"),
    Impossible(
        "three mistakes at once", PEOPLE,
        r"study\.yaml has 3 mistakes\n  Rule: .*\n  Found:\n    line 7, problem\.tsak: unknown key \(did you mean 'task'\?\); found 'binary'\n    line 8, problem\.success: must be a number; found 'lots'\n    line \d+, seed: must be at least 0; found '-1'",
        lambda text: text.replace("  task:", "  tsak: binary\n  success: lots\n  task:", 1).replace("seed: 7", "seed: -1"),
    ),
    Impossible(
        "a group that holds nearly all rows", PEOPLE.with_columns(clinic=pl.when(pl.int_range(N) < 79).then(pl.lit("A7")).otherwise(pl.lit("B1"))),
        r"SplitError: no test set can be sealed\n.*\n  Found: .*80 to learn from and 0 to seal", replaced("data:\n", "data:\n  group: clinic\n"),
    ),
    Impossible("no YAML", PEOPLE, r"study\.yaml is not valid YAML\n  Found: line 2, column 1: ", lambda text: "problem:\n\tgoal: x\n" + text),
]  # fmt: skip


WAITING = [
    Impossible("constant features", PEOPLE.select("bought", a=pl.lit(1), b=pl.lit("x")), r"no column is left to predict from\n.*\n  Found: 'a' \(every cell is '1'\), 'b'"),
    Impossible("no features", PEOPLE.select("bought"), r"no column is left to predict from\n.*\n  Found: the target is the only column\n  Do: add columns"),
    Impossible(
        "costs on several classes", PEOPLE, r"problem\.costs says .* the task of 'city' is multiclass\n  Rule: these costs need a binary task\n.*\n  Do: remove problem\.costs",
        task_line("costs: {false_positive: 1, false_negative: 5}"), "city",
    ),
    Impossible(
        "one class left to learn from", PEOPLE.with_columns(part=pl.col("bought").replace({"yes": "held", "no": "used"})), r"SplitError: the rows left to learn from hold one class only\n.*\n  Found: \d+ rows of one class",
        lambda text: text + "split: {column: part, test: held}\n",
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", [*IMPOSSIBLE, *WAITING], ids=lambda case: case.name)
def test_a_study_that_cannot_be_had_is_refused(case: Impossible, tmp_path: Path, command: Command) -> None:
    case.table.write_csv(tmp_path / "t.csv")
    study = Study.create(tmp_path / "t.csv", target=case.target, out=tmp_path / "study").folder
    settings = study / "study.yaml"
    settings.write_text(case.change(settings.read_text()))
    before = kept(study)
    done = command(case.verb, study)
    assert done.status == 2
    assert re.search(case.message, done.err), done.err
    assert done.out == ""
    assert {name: content for name, content in kept(study).items() if name in before} == before
    assert (tmp_path / "t.csv").exists()


def test_a_study_does_not_overwrite_a_folder(tmp_path: Path, people_csv: Path, command: Command) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "diary.txt").write_text("dear diary")
    done = command("init", people_csv, "--target", "bought", "--out", tmp_path / "taken")
    assert done.status == 2
    assert re.search(
        r"taken already exists\n  Rule: a study gets a folder of its own\n  Found: it is not empty\n  Do: name another with --out",
        done.err,
    )
    assert kept(tmp_path) == {"taken/diary.txt": b"dear diary"}


@pytest.mark.parametrize("verb", ["run", "status", "report", "finalize", "explore"])
def test_what_is_not_a_study_folder_is_said(verb: str, tmp_path: Path, command: Command) -> None:
    done = command(verb, tmp_path)
    assert done.status == 2
    assert re.search(
        r"is not a study folder\n  Rule: a study folder holds study\.yaml\n  Do: make one: fieldguide init TABLE --target",
        done.err,
    )


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, people_csv: Path, command: Command) -> None:
    (tmp_path / "file").write_text("x")
    done = command("init", people_csv, "--target", "bought", "--out", tmp_path / "file" / "study")
    assert done.status == 2
    assert "Not a directory" in done.err
    assert kept(tmp_path) == {"file": b"x"}


def test_a_folder_that_cannot_be_made_is_said_in_python_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(
        StudyError, match=r"study could not be read or written.*Not a directory.*check the path and its permissions"
    ):
        Study.create(PEOPLE, target="bought", out=tmp_path / "file" / "study")


def test_a_table_that_went_away_is_said_with_its_path(tmp_path: Path, command: Command) -> None:
    PEOPLE.write_csv(tmp_path / "t.csv")
    study = Study.create(tmp_path / "t.csv", target="bought", out=tmp_path / "study")
    (tmp_path / "t.csv").rename(tmp_path / "t2.csv")
    done = command("run", study.folder)
    assert done.status == 2
    assert re.search(r"there is no file .*t\.csv \(did you mean 't2\.csv'\?\)", done.err)


# --- tables that can be used, with what is odd said in a finding --------------------------------------------------------


def fired(study: Study, code: str) -> str:
    """The sentence of a finding that fired."""
    return next(f.sentence for result in study.results() for f in result.findings if f.code == code and f.fired)


FOUND = {
    "an empty column": (PEOPLE.with_columns(gap=pl.lit(None, pl.String)), "FG102", r"1 column reaches no model: 'gap' \(always missing\)"),
    "a target with gaps": (PEOPLE.with_columns(bought=pl.when(pl.int_range(N) % 8 == 0).then(None).otherwise("bought")), "FG106", r"10 rows of 80 \(12 %\) were left out: 'bought' is missing"),
    "a word among numbers": (altered(7, "spend", "a lot"), "FG105", r"1 cell was read as missing; in 'spend', 1 \(1\.2 %\) is not a number \(row 7: 'a lot'\)"),
    "infinity in a number": (altered(7, "spend", "inf"), "FG105", r"'spend', 1 \(1\.2 %\) is not a number \(row 7: 'inf'\)"),
    "decimal commas": (PEOPLE.with_columns(pl.col("spend").cast(pl.String).str.replace(".", ",", literal=True)), "FG107", r"'spend' \(decimals after ','\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_is_odd_is_a_finding(name: str, tmp_path: Path) -> None:
    table, code, sentence = FOUND[name]
    table.write_csv(tmp_path / "t.csv", separator=";")
    study = Study.create(tmp_path / "t.csv", target="bought", out=tmp_path / "study")
    study.frame()
    assert re.search(sentence, fired(study, code))


def test_infinity_in_the_target_is_a_finding_and_the_row_left_out(tmp_path: Path) -> None:
    study = Study.create(altered(3, "price", "inf", houses(N)), target="price", out=tmp_path / "study")
    assert study.frame()["n_rows"] == N - 1
    assert "(row 3: 'inf')" in fired(study, "FG105")
    assert "1 row of 80" in fired(study, "FG106")


def test_spaces_around_a_class_make_no_new_class(tmp_path: Path) -> None:
    spaced = pl.when(pl.int_range(N) % 3 == 0).then(pl.lit(" ") + pl.col("bought") + " ").otherwise("bought")
    csv_file = tmp_path / "t.csv"
    PEOPLE.with_columns(bought=spaced).write_csv(csv_file)
    study = Study.create(csv_file, target="bought", out=tmp_path / "study")
    assert study.problem.output.labels == ("no", "yes")
    assert study.frame()["n_rows"] == N


def test_bom_and_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(csv(PEOPLE))
    (tmp_path / "w.csv").write_bytes(b"\xef\xbb\xbf" + csv(PEOPLE).replace(b"\n", b"\r\n"))
    plain, windows = (Study.create(tmp_path / f, target="bought", out=tmp_path / f[0]) for f in ("t.csv", "w.csv"))
    assert plain.material.fingerprint == windows.material.fingerprint


WHOLE = {
    "20 rows": (PEOPLE.head(20), "bought"),
    "one feature": (PEOPLE.select("spend", "bought"), "bought"),
    "300 columns and 100 rows": (
        pl.DataFrame({**{f"x{i}": np.random.default_rng(i).normal(size=100) for i in range(300)}, "y": ["a", "b"] * 50}), "y",
    ),
    "columns called row and prediction": (PEOPLE.rename({"city": "row", "spend": "prediction"}), "bought"),
    "a target called prediction": (PEOPLE.rename({"bought": "prediction"}), "prediction"),
    "strange names": (PEOPLE.rename({"age": 'the "age", in years', "city": "città è ☃", "member": "it's: [x] {y} #z"}), "bought"),
    "a strange target": (PEOPLE.rename({"bought": 'did "buy"\n: #1'}), 'did "buy"\n: #1'),
    "the target's name in another column": (PEOPLE.with_columns(bought_flag=(pl.col("bought") == "yes").cast(pl.Int8)), "bought"),
    "names with line breaks": (PEOPLE.rename({"age": "age\nin years", "member": "a\r\n: b"}), "bought"),
    "two rows of a class": (PEOPLE.with_columns(bought=pl.when(pl.int_range(N) < 2).then(pl.lit("yes")).otherwise(pl.lit("no"))), "bought"),
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    list(WHOLE),
)
def test_unusual_tables_go_through_to_the_end(name: str, tmp_path: Path) -> None:
    table, target = WHOLE[name]
    table.write_csv(tmp_path / "t.csv")
    extra = "" if table.height > 50 and name != "two rows of a class" else "split: {folds: 2}\n"
    study = small_study(tmp_path / "study", tmp_path / "t.csv", target, trials=0, networks=False, extra=extra)
    if table.width > 100:  # a rule on each of many columns takes long and shows nothing more
        settings = study.folder / "study.yaml"
        settings.write_text(settings.read_text().replace("skip: [mlp, tabm]", "skip: [mlp, tabm, rule, neighbours]"))
        study = Study(study.folder)
    study.run()
    study.finalize()
    answers = load_model(study.folder / "model").predict(table.drop(target))
    assert answers.height == table.height
    assert answers.columns[:2] == ["row", "prediction"]
    assert answers["row"].to_list() == list(range(table.height))


def test_a_score_that_sealed_rows_cannot_give_is_said_and_the_model_is_written(tmp_path: Path) -> None:
    table, target = WHOLE["two rows of a class"]
    study = small_study(tmp_path / "study", table, target, trials=0, networks=False)
    study.run()
    result = study.finalize()
    assert re.search(r"test \w+ cannot be computed on these 12 sealed rows, look 1", result["sentence"])
    assert result["scores"][0]["value"] is None
    assert "| test | " in (study.folder / "model" / "README.md").read_text()


# --- rows that a model is asked to answer -------------------------------------------------------------------------------


@pytest.fixture
def model(finished: Study) -> Path:
    return finished.folder / "model"


def answered(command: Command, model: Path, rows: bytes, folder: Path) -> tuple[Any, pl.DataFrame | None]:
    (folder / "new.csv").write_bytes(rows)
    done = command("predict", model, folder / "new.csv", "-o", folder / "scores.csv")
    return done, pl.read_csv(folder / "scores.csv") if (folder / "scores.csv").exists() else None


NEW = people(30, seed=9).drop("bought")


def test_unknown_categories_are_answered(model: Path, tmp_path: Path, command: Command) -> None:
    done, scores = answered(command, model, csv(NEW.with_columns(city=pl.lit("Atlantis"))), tmp_path)
    assert done.status == 0
    assert scores is not None
    assert scores.height == 30
    assert scores["probability_yes"].is_finite().all()


def test_a_missing_column_is_named(model: Path, tmp_path: Path, command: Command) -> None:
    done, scores = answered(command, model, csv(NEW.rename({"spend": "spent"})), tmp_path)
    assert done.status == 2
    assert re.search(
        r"ContractError: 1 column\(s\) are missing: spend \(did you mean 'spent'\?\)\n  Rule: .*a column may not be absent\n",
        done.err,
    )
    assert scores is None


def test_columns_that_are_not_needed_are_ignored(model: Path, tmp_path: Path, command: Command) -> None:
    _, plain = answered(command, model, csv(NEW), tmp_path)
    done, scores = answered(
        command, model, csv(NEW.with_columns(noise=pl.lit(1)).select("noise", *reversed(NEW.columns))), tmp_path
    )
    assert done.status == 0
    assert scores is not None and plain is not None and scores.equals(plain)


def test_cells_of_another_type_are_named_and_taken_as_missing(model: Path, tmp_path: Path, command: Command) -> None:
    done, scores = answered(command, model, csv(altered(7, "spend", "a lot", NEW)), tmp_path)
    assert done.status == 0
    assert scores is not None and scores.height == 30
    assert "column 'spend': 1 cell(s) are not a number, such as row 7: 'a lot'; taken as missing" in done.out


def test_a_column_of_another_type_is_named_in_every_row(model: Path) -> None:
    ((answers, violations),) = load_model(model).stream(NEW.with_columns(spend=pl.lit(True)))
    assert answers.height == 30
    assert [(v.column, v.n) for v in violations] in ([("spend", 30)], [])


def test_no_rows_to_answer_is_refused_and_nothing_written(model: Path, tmp_path: Path, command: Command) -> None:
    # An empty answer would pass for an answer: a header without rows is most often a broken export.
    done, scores = answered(command, model, csv(NEW.head(0)), tmp_path)
    assert done.status == 2
    assert re.search(r"new\.csv has a header and no rows\n", done.err)
    assert scores is None
    with pytest.raises(DataError, match="the Polars frame has no rows"):
        load_model(model).predict(NEW.head(0))


def test_answers_are_not_written_over_the_rows(model: Path, tmp_path: Path) -> None:
    NEW.write_csv(tmp_path / "new.csv")
    with pytest.raises(DataError, match=r"would be written over the rows it answers.*name another file"):
        predict_file(load_model(model), tmp_path / "new.csv", tmp_path / ".." / tmp_path.name / "new.csv")
    assert pl.read_csv(tmp_path / "new.csv").equals(pl.read_csv(csv(NEW)))


@pytest.mark.parametrize(
    "out, message",
    [
        ("nowhere/scores.csv", r"there is no folder .*nowhere\n.*\n  Do: mkdir -p"),
        ("scores.xlsx", r"unknown suffix\n  Rule: a table is written as"),
    ],
)
def test_answers_that_cannot_be_written_there(
    model: Path, tmp_path: Path, command: Command, out: str, message: str
) -> None:
    NEW.write_csv(tmp_path / "new.csv")
    done = command("predict", model, tmp_path / "new.csv", "-o", tmp_path / out)
    assert done.status == 2
    assert re.search(message, done.err), done.err
    assert [p.name for p in tmp_path.iterdir()] == ["new.csv"]


def test_a_row_without_a_column_is_refused(model: Path) -> None:
    with pytest.raises(ContractError, match="a column may not be absent"):
        load_model(model).predict_rows([{"age": 30}])


# --- a disk that fills up -------------------------------------------------------------------------------------------------


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make what is named raise what a full disk raises."""

    def fill(name: str) -> None:
        def write(*args: Any, **kwargs: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(name, write)

    return fill


@pytest.mark.parametrize(
    "place", ["fieldguide.core.journal.os.fsync", "fieldguide.core.store.save_file", "polars.DataFrame.write_parquet"]
)
def test_a_run_on_a_full_disk_says_so_and_resumes(
    place: str, tmp_path: Path, command: Command, full: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    PEOPLE.write_csv(tmp_path / "t.csv")
    study = small_study(tmp_path / "study", tmp_path / "t.csv", "bought", trials=0, networks=False)
    if place.endswith("fsync"):
        study.split()
    before = kept(study.folder)
    full(place)
    done = command("run", study.folder)
    assert done.status == 2
    assert re.search(
        r"StudyError: the disk is full: .* could not be written\n  Rule: .*\n  Found: No space left on device\n  Do: free some space, then run the same command again: it resumes",
        done.err,
    ), done.err
    after = kept(study.folder)
    assert after.items() >= {k: v for k, v in before.items() if k != "journal.jsonl"}.items()
    assert not [name for name in after if name.endswith(".writing")]
    assert list(Journal(study.folder / "journal.jsonl").records())[
        : len(before.get("journal.jsonl", b"").splitlines())
    ] == list(study.journal.records())
    monkeypatch.undo()
    Study(study.folder).run()
    assert Study(study.folder).status()["next"] == "finalize"


def test_a_model_that_finds_no_room_leaves_nothing_and_the_look_is_not_lost(
    tmp_path: Path, full: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(tmp_path / "study", PEOPLE, "bought", trials=0, networks=False)
    study.run()
    full("fieldguide.core.model._write_json")
    with pytest.raises(
        StudyError, match=r"the disk is full: .*model.* Rule: a model folder is complete or not there at all"
    ):
        study.finalize()
    assert not [p.name for p in study.folder.iterdir() if "model" in p.name]
    monkeypatch.undo()
    again = Study(study.folder)
    again.run()
    assert again.finalize()["scores"][0]["looks"] == 1
    assert len(again.seal.looks) == 1
    load_model(again.folder / "model")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB. Mounting one takes rights that few test machines give."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or os.geteuid() != 0
        or subprocess.run([mount, "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True).returncode
    ):
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_answers_that_do_not_fit_on_the_disk(
    suffix: str, model: Path, small_disk: Path, tmp_path: Path, command: Command
) -> None:
    people(24_000, seed=9).drop("bought").write_parquet(tmp_path / "new.parquet")
    (small_disk / "other").write_bytes(bytes(360_000))
    done = command("predict", model, tmp_path / "new.parquet", "-o", small_disk / f"scores.{suffix}")
    assert done.status == 2
    assert re.search(
        rf"the disk is full: .*scores\.{suffix} could not be written\n  Rule: the whole table is written, or nothing",
        done.err,
    ), done.err
    assert [path.name for path in small_disk.iterdir()] == ["other"]


def test_a_study_fills_a_disk_and_resumes_on_a_larger_one(small_disk: Path, tmp_path: Path, command: Command) -> None:
    table = people(3000)
    table.write_csv(tmp_path / "t.csv")
    study = small_study(small_disk / "study", tmp_path / "t.csv", "bought", trials=0, networks=False)
    done = command("run", study.folder)
    assert done.status == 2
    assert re.search(r"StudyError: the disk is full: .* could not be written\n", done.err), done.err
    assert not list(small_disk.rglob("*.writing"))
    moved = Path(shutil.copytree(study.folder, tmp_path / "study"))
    text = (moved / "study.yaml").read_text()
    (moved / "study.yaml").write_text(re.sub(r"  table: .*", f"  table: {tmp_path / 't.csv'}", text))
    n_records = len(list(Study(moved).journal.records()))
    assert n_records > 2
    Study(moved).run()
    assert Study(moved).status()["next"] == "finalize"


def test_a_report_that_does_not_fit_leaves_the_old_one(finished: Study, small_disk: Path, command: Command) -> None:
    (small_disk / "report.html").write_text("old")
    done = command("report", finished.folder, "-o", small_disk / "report.html")
    assert done.status == 2
    assert re.search(r"the disk is full: .*report\.html could not be written", done.err), done.err
    assert kept(small_disk) == {"report.html": b"old"}


# --- Ctrl-C -----------------------------------------------------------------------------------------------------------------


def test_ctrl_c_stops_with_130_and_the_same_command_resumes(tmp_path: Path) -> None:
    study = small_study(tmp_path / "study", people(200), "bought", trials=3)
    line = [str(Path(sys.executable).parent / "fieldguide"), "run", str(study.folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    process = subprocess.Popen(
        line, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    journal = study.folder / "journal.jsonl"
    while process.poll() is None and not (journal.exists() and b'"event": "trial"' in journal.read_bytes()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.strip() == "Stopped. Nothing is lost: run the same command again and it resumes."
    assert out == ""
    n_records = len(list(Journal(journal).records()))
    begun: list[dict[str, Any]] = []
    again = Study(study.folder, watch=begun.append)
    again.run()
    assert again.status()["next"] == "finalize"
    assert next(e["step"] for e in begun if e["event"] == "step") not in ("frame", "split", "explore")
    assert len(list(again.journal.records())) > n_records
    json.dumps(again.to_dict())
