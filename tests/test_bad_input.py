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
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from conftest import Command, houses, people, small_study
from fieldguide.core.errors import ContractError, StudyError
from fieldguide.core.journal import Journal
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
    assert re.search(r"test [\w ]+ cannot be computed on these 12 sealed rows, look 1", result["sentence"])
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
    assert "column 'spend': 1 cell is not a number, such as row 7: 'a lot'; taken as missing" in done.out


def test_a_column_of_another_type_is_named_in_every_row(model: Path) -> None:
    ((answers, violations),) = load_model(model).stream(NEW.with_columns(spend=pl.lit(True)))
    assert answers.height == 30
    assert [(v.column, v.n) for v in violations] in ([("spend", 30)], [])


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
    full("fieldguide.core.model.write_json")
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
    out, err = process.communicate(timeout=240)
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
