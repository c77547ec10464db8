"""The command line as its user meets it: what it prints where, how it ends, what it waits for (nothing), what it loads."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from conftest import Command, people, small_study
from fieldguide.core.documents.config import json_schema, load_config
from fieldguide.core.finding import SEVERITIES
from fieldguide.faces.terminal import TITLES, leaderboard
from fieldguide.workflow import STEPS, Study

PROGRAM = Path(sys.executable).parent / "fieldguide"
HEAVY = ("torch", "pandas", "sklearn", "lightgbm", "scipy", "pyarrow", "onnxruntime", "optuna")
TABLES = ("polars", "numpy")
"""What only a verb that reads rows may load."""
SCORE = {"output", "metric", "title", "value", "interval", "n", "rows", "looks"}
FINDING = {"code", "severity", "status", "step", "columns", "sentence", "remedy", "docs", "evidence"}
STUDY = {"study", "step", "status", "chosen", "scores", "score", "leaderboard", "findings", "seconds"}
STATUS = {"study", "done", "next", "looks", "unproven"}
VERBS = {
    *("init", "join", "features", "run", *STEPS, "recency"),
    *("predict", "package", "evaluate", "status", "report", "schema", "version"),
    *("imbalance", "rules", "intervals", "rates", "embed", "explain"),
    *("serve", "log", "replay", "outcomes", "gap", "refresh", "experiment"),
}
"""Every verb of the program: a new one is added here, so that none appears or disappears unseen."""


def shell(*arguments: object, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the installed program with no terminal and nothing to read."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, **more
    )


def document(text: str) -> Any:
    """The one JSON document that stands on standard output, in strict JSON."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.fixture
def copy(finished: Study, tmp_path: Path) -> Path:
    """A copy of the finished study that a test may change."""
    folder = Path(shutil.copytree(finished.folder, tmp_path / "people"))
    settings = folder / "study.yaml"
    settings.write_text(re.sub(r"  table: .*", f"  table: {finished.config.data.table}", settings.read_text()))
    return folder


# --- what is loaded -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code, heavy",
    [
        ("import fieldguide", HEAVY + TABLES),
        ("import fieldguide; fieldguide.Study", HEAVY),
        ("from fieldguide.faces.cli import app", HEAVY + TABLES),
    ],
)
def test_importing_loads_nothing_heavy(code: str, heavy: tuple[str, ...]) -> None:
    shown = f"{code}; import sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("arguments", [["--help"], ["version"], ["schema"], ["init", "--help"]])
def test_a_quick_verb_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"import sys; sys.argv = ['fieldguide', *{arguments}]\nfrom fieldguide.faces.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    shown = code + f"print([name for name in {HEAVY + TABLES} if name in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(("given", "sleeps"), [(None, True), ("ACTIVE", False)])
def test_threads_that_wait_sleep_whichever_library_loads_openmp_first(given: str | None, sleeps: bool) -> None:
    code = "import fieldguide, torch; from fieldguide.parts.learners._lightgbm import library; library()"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    asked = {"OMP_DISPLAY_ENV": "VERBOSE", **({} if given is None else {"OMP_WAIT_POLICY": given})}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=clean | asked)
    rounds = re.findall(r"GOMP_SPINCOUNT\s*=\s*'(\d+)'", done.stderr)
    if not rounds:
        pytest.skip("this OpenMP does not say how it waits")
    assert all((n == "0") == sleeps for n in rounds)


# --- usage --------------------------------------------------------------------------------------------------------------


def test_help_names_every_verb(command: Command) -> None:
    done = command("--help")
    assert (done.status, done.err) == (0, "")
    verbs = set(re.findall(r"^  (\w+)  ", done.out, re.M))
    assert verbs == VERBS


def test_no_verb_shows_help_and_fails(command: Command) -> None:
    done = command()
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("Usage: fieldguide")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["runn"], r"Error: No such command 'runn'.*run"),
        (
            ["run", "--trails", "3", "x"],
            r"Error: No such option: --trails.*--trials.*\n  Rule: Usage: fieldguide run .*FOLDER.*\n  Found: fieldguide run --trails 3 x\n  Do: fieldguide run --help",
        ),
        (["run"], r"Error: Missing argument 'FOLDER'.*\n  Rule: Usage: fieldguide run"),
        (["run", "x", "--trials", "-1"], r"Error: Invalid value for '--trials'"),
        (["run", "x", "--minutes", "soon"], r"Error: Invalid value for '--minutes'"),
        (["predict", "model", "new.csv"], r"Error: Missing option '(-o|--out).*\n.*\n.*\n  Do: add -o: where to write"),
        (["leaderboard", "x"], r"Do: fieldguide status FOLDER, which is the verb for it here"),
    ],
)
def test_bad_usage_ends_in_2_and_says_where_help_is(arguments: list[str], message: str, command: Command) -> None:
    done = command(*arguments)
    assert (done.status, done.out) == (2, "")
    assert re.search(message, done.err), done.err
    assert "Traceback" not in done.err


def test_init_without_a_target_names_the_columns_and_the_two_ways_on(command: Command, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("height,colour\n1,red\n2,blue\n")
    done = command("init", tmp_path / "t.csv")
    assert done.status == 2
    assert "no target is named" in done.err and "the columns are height, colour" in done.err
    assert "--target COLUMN" in done.err and "--task clustering" in done.err


def test_the_schema_is_the_one_of_study_yaml(command: Command) -> None:
    # That it is a closed JSON Schema and agrees with the reader is tested with the config.
    done = command("schema")
    schema = document(done.out)
    assert schema == json.loads(json.dumps(json_schema()))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    used = set(re.findall(r'"#/\$defs/(\w+)"', done.out))
    assert used and used <= set(schema["$defs"])


def test_the_version_is_the_one_installed(command: Command) -> None:
    from importlib.metadata import version

    assert command("version").out == version("fieldguide") + "\n"


# --- verbs for eyes -----------------------------------------------------------------------------------------------------


def test_init_says_what_it_made_and_what_comes_next(tmp_path: Path, people_csv: Path, command: Command) -> None:
    done = command("init", people_csv, "--target", "bought", "--out", tmp_path / "s")
    assert done.status == 0
    assert "binary of bought from 5 columns of 400 rows" in done.out
    assert f"Made {tmp_path}/s/study.yaml. Answer its questions, then: fieldguide run {tmp_path}/s" in done.out
    assert load_config(tmp_path / "s" / "study.yaml").problem.targets == ("bought",)


def test_init_says_what_it_made_where_that_does_not_stand_yet(tmp_path: Path, command: Command) -> None:
    (tmp_path / "t.csv").write_text("same,late\n" + "".join(f"1,{'yes' if k % 2 else 'no'}\n" for k in range(40)))
    done = command("init", tmp_path / "t.csv", "--target", "late", "--out", tmp_path / "s")
    assert done.status == 2 and "no column is left to predict from" in done.err
    assert f"Made {tmp_path}/s/study.yaml; it does not stand yet." in done.err
    assert (tmp_path / "s" / "study.yaml").is_file()


def test_init_names_the_folder_after_the_file(
    tmp_path: Path, people_csv: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("init", people_csv, "--target", "bought").status == 0
    assert (tmp_path / "people" / "study.yaml").is_file()


@pytest.mark.parametrize("verb", STEPS[:-1])
def test_a_verb_per_step_prints_its_result(verb: str, copy: Path, command: Command) -> None:
    done = command(verb, copy)
    assert done.status == 0
    assert done.out.startswith(TITLES[verb])
    assert "Traceback" not in done.err


def test_status_says_where_the_study_stands(copy: Path, tmp_path: Path, command: Command) -> None:
    done = command("status", copy)
    assert done.status == 0
    assert [line[0] for line in done.out.splitlines()[: len(STEPS)]] == ["✓"] * len(STEPS)
    assert "The seal was opened once." in done.out
    assert "judged on validation rows; the seal is open" in done.out and "Next:" not in done.out
    young = small_study(tmp_path / "young", people(60), "bought").folder
    command("split", young)
    said = command("status", young).out
    assert [line[0] for line in said.splitlines()[: len(STEPS)]] == ["✓", "✓", "→", *"·····"]
    assert "The seal is closed." in said
    assert f"Next: fieldguide run {young}" in said


def test_report_writes_where_it_is_told(copy: Path, tmp_path: Path, command: Command) -> None:
    assert command("report", copy).out == f"Wrote {copy}/report.html\n"
    assert command("report", copy, "-o", tmp_path / "page.html").status == 0
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_the_leaderboard_is_whole_at_100_columns(finished: Study) -> None:
    rows = [dict(row) for row in finished.leaderboard()]
    rows[0]["candidate"] = "tabm wider, twice the epochs and half the learning rate, dropped"
    for width in (100, 80):
        console = Console(width=width, file=io.StringIO())
        console.print(leaderboard(rows))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert "…" not in text
        for title in ("candidate", "ROC AUC", "(validation)", "95 % interval", "seconds", "MB", "ms a row"):
            assert title in text, (width, text)


def test_run_prints_the_steps_and_what_comes_next(tmp_path: Path, people_csv: Path, command: Command) -> None:
    study = small_study(tmp_path / "s", people(80), "bought", trials=0, networks=False).folder
    done = command("run", study)
    assert done.status == 0
    for step in ("frame", "split", "explore", "baseline", "refine"):
        assert TITLES[step] in done.out
    assert "the test set is still sealed" in done.out
    assert f"Next: fieldguide finalize {study}" in done.out
    assert "test ROC AUC" not in done.out
    closed = command("finalize", study)
    assert closed.status == 0
    assert f"Wrote {study}/model. Use it: fieldguide predict {study}/model new.csv -o scores.csv" in closed.out


# --- gates --------------------------------------------------------------------------------------------------------------


def test_a_second_finalize_is_a_closed_gate_that_names_the_first(copy: Path, command: Command) -> None:
    done = command("finalize", copy, "--json")
    assert done.status == 1
    failed = document(done.out)
    assert failed["status"] == "failed"
    assert failed["error"] == "GateError"
    assert re.search(r"already opened by finalize at 20\d\d-", failed["what"])
    assert re.search(
        r"GateError: the test set was already opened by finalize at 20.*\n  Rule: the seal is opened once.*\n  Found: 1 look so far\n  Do: give --reason",
        done.err,
    )


def test_finalize_before_run_is_a_closed_gate(tmp_path: Path, command: Command) -> None:
    study = small_study(tmp_path / "s", people(60), "bought").folder
    done = command("finalize", study)
    assert (done.status, done.out) == (1, "")
    assert "GateError: no candidate was chosen yet" in done.err


def test_a_metric_cannot_be_chosen_after_the_fact_without_a_trace(copy: Path, command: Command) -> None:
    assert command("package", copy, "bosting", "-o", copy / "out").status == 2
    assert not (copy / "out").exists()


# --- --json: one document on standard output, in the shape of docs/json.md ----------------------------------------------


def is_score(score: dict[str, Any]) -> bool:
    return set(score) == SCORE and score["rows"] in ("validation", "test") and len(score["interval"]) == 2


def is_finding(finding: dict[str, Any]) -> bool:
    statuses = ("fired", "passed", "not_applicable", "skipped")
    return set(finding) == FINDING and finding["severity"] in SEVERITIES and finding["status"] in statuses


def is_study(found: dict[str, Any]) -> None:
    assert set(found) >= STUDY
    assert set(found["status"]) == STATUS
    assert all(map(is_score, found["scores"]))
    assert found["score"] == (found["scores"][0] if found["scores"] else None)
    assert all(map(is_finding, found["findings"]))
    for row in found["leaderboard"]:
        assert set(row) == {"candidate", "kind", "score", "scores", "difference", "seconds", "megabytes", "latency_ms"}
        assert is_score(row["score"])


def test_init_json(tmp_path: Path, people_csv: Path, command: Command) -> None:
    done = command("init", people_csv, "--target", "bought", "--out", tmp_path / "s", "--json")
    found = document(done.out)
    is_study(found)
    assert set(found) == STUDY | {"folder", "questions"}
    assert found["step"] == "frame"
    assert {"problem.goal", "problem.costs"} <= {question["key"] for question in found["questions"]}
    assert all(set(question) == {"key", "question", "guess"} for question in found["questions"])


def test_run_finalize_and_package_json(tmp_path: Path, command: Command) -> None:
    study = small_study(tmp_path / "s", people(80), "bought", trials=0, networks=False).folder
    found = document(command("run", study, "--json").out)
    is_study(found)
    assert (found["step"], found["status"]["next"]) == ("refine", "finalize")
    assert {row["score"]["rows"] for row in found["leaderboard"]} == {"validation"}
    assert found["score"]["looks"] == 0
    packaged = document(command("package", study, "linear", "-o", tmp_path / "trial", "--json").out)
    assert packaged == {"status": "done", "candidate": "linear", "model": str(tmp_path / "trial"), "looks": 0}
    final = document(command("finalize", study, "--json").out)
    is_study(final)
    assert (final["score"]["rows"], final["score"]["looks"], final["step"]) == ("test", 1, "finalize")


@pytest.mark.parametrize("step", STEPS[:-1])
def test_a_step_json(step: str, copy: Path, command: Command) -> None:
    done = command(step, copy, "--json")
    found = document(done.out)
    assert set(found) == {"study", "status", "step", "facts", "findings", "seconds"}
    assert (found["status"], found["step"]) == ("done", step)
    assert isinstance(found["facts"]["sentence"], str)
    assert all(map(is_finding, found["findings"]))


def test_status_report_and_predict_json(copy: Path, tmp_path: Path, command: Command) -> None:
    found = document(command("status", copy, "--json").out)
    assert set(found) == STATUS
    assert (found["done"], found["next"], found["looks"]) == (list(STEPS), None, 1)
    assert all(map(is_finding, found["unproven"]))
    assert document(command("report", copy, "--json").out) == {"status": "done", "report": f"{copy}/report.html"}
    rows = people(20, seed=9).drop("bought").with_columns(pl.col("spend").cast(pl.String))
    rows[3, "spend"] = "old"
    rows.write_csv(tmp_path / "new.csv")
    said = document(
        command("predict", copy / "model", tmp_path / "new.csv", "-o", tmp_path / "scores.csv", "--json").out
    )
    assert said == {
        "status": "done", "rows": 20, "out": str(tmp_path / "scores.csv"),
        "violations": [{"column": "spend", "rule": "a number", "rows": [3], "values": ["old"], "n": 1}],
    }  # fmt: skip


def test_evaluate_json(copy: Path, tmp_path: Path, command: Command) -> None:
    development = sorted(Study(copy).material.divided.split.development.tolist())
    pl.DataFrame({"row": development, "probability_yes": [0.5] * len(development)}).write_csv(tmp_path / "theirs.csv")
    done = command("evaluate", tmp_path / "theirs.csv", "--study", copy, "--json")
    found = document(done.out)
    assert (found["status"], found["step"]) == ("done", "evaluate")
    assert [(s["rows"], s["value"]) for s in found["facts"]["scores"]] == [("validation", 0.5)]
    eyes = command("evaluate", tmp_path / "theirs.csv", "--study", copy)
    assert eyes.out.startswith(TITLES["evaluate"])
    everything = tmp_path / "all.csv"
    pl.DataFrame({"row": range(400), "probability_yes": [0.5] * 400}).write_csv(everything)
    closed = command("evaluate", everything, "--study", copy, "--test", "--json")
    assert closed.status == 1
    assert document(closed.out)["error"] == "GateError"


@pytest.mark.parametrize(
    "arguments, status, error",
    [
        (["run", "nowhere"], 2, "StudyError"),
        (["init", "nowhere.csv", "--target", "y"], 2, "DataError"),
        (["predict", "nowhere", "new.csv", "-o", "s.csv"], 2, "ModelError"),
    ],
)
def test_a_failure_is_one_document_too(arguments: list[str], status: int, error: str, command: Command) -> None:
    done = command(*arguments, "--json")
    failed = document(done.out)
    assert done.status == status
    assert set(failed) == {"status", "error", "what", "rule", "found", "do"}
    assert (failed["status"], failed["error"]) == ("failed", error)
    assert failed["what"] in done.err


# --- no terminal: quiet, and nothing waits ------------------------------------------------------------------------------


def test_without_a_terminal_it_is_quiet_and_waits_for_nothing(tmp_path: Path, people_csv: Path) -> None:
    study = small_study(tmp_path / "s", people(60), "bought").folder
    done = shell("explore", study)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert done.stdout.startswith(TITLES["explore"])


def test_lines_that_go_to_a_file_are_not_wrapped(copy: Path, command: Command) -> None:
    done = command("status", copy)
    findings = [line for line in done.out.splitlines() if re.search(r"FG\d\d\d", line)]
    assert findings
    assert all(line.rstrip().endswith((".", "?")) for line in findings), findings


def test_an_error_is_not_wrapped_and_markup_in_it_is_text(tmp_path: Path, command: Command) -> None:
    folder = tmp_path / ("[red]long[/] name " + "x" * 120)
    done = command("run", folder)
    assert done.status == 2
    assert f"StudyError: {folder} is not a study folder\n" in done.err


# --- ends ---------------------------------------------------------------------------------------------------------------


def test_a_keyboard_interrupt_inside_a_step_ends_in_130(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(tmp_path / "s", people(60), "bought").folder

    def interrupt(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fieldguide.steps.explore.explore.explore", interrupt)
    done = command("run", study)
    assert (done.status, done.out) == (130, "")
    assert done.err.strip() == "Stopped. Nothing is lost: run the same command again and it resumes."
    monkeypatch.undo()
    assert Study(study).status()["done"] == ["frame", "split"]


def test_a_mistake_of_ours_is_not_mistaken_for_a_closed_gate(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = small_study(tmp_path / "s", people(60), "bought").folder

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("fieldguide.steps.explore.explore.explore", fail)
    done = command("explore", study, "--json")
    assert done.status == 70
    assert document(done.out)["error"] == "InternalError"
    assert "Traceback" in done.err
    assert "fieldguide made a mistake" in done.err


def test_a_closed_pipe_ends_quietly(copy: Path) -> None:
    line = f"'{PROGRAM}' frame '{copy}' --json | head -c 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )
    assert done.stdout == "{"
    assert "Traceback" not in done.stderr
