"""The terminal as a screen of a stated width: nothing is cut, lines stand under their text, and no table is told twice."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console
from typer.main import get_command
from typer.testing import CliRunner

from conftest import Command
from fieldguide.faces.cli import app
from fieldguide.faces.cli.app import SECTIONS
from fieldguide.faces.cli.experiment import _measures
from fieldguide.faces.terminal import console, say_findings, say_line, say_result, stated

SENTENCE = (
    "Quick models predict the target no better than its shuffles, and nothing that was tried beats chance on them."
)


def screen(width: int, *, terminal: bool = True) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=width, force_terminal=terminal, color_system=None, soft_wrap=not terminal), out


def finding(**more: Any) -> dict[str, Any]:
    return {"code": "FG335", "severity": "warning", "status": "fired", "sentence": SENTENCE, "remedy": "Look.", **more}


@pytest.mark.parametrize("width", [80, 120])
def test_help_lists_every_verb_once_with_its_whole_sentence(width: int) -> None:
    shown = CliRunner().invoke(app, ["--help"], terminal_width=width).output
    words = " ".join(shown.split())
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert words.count(f" {name} {command.get_short_help_str(300)}") == 1, name
    assert "..." not in shown.partition("ARGS]...")[2]
    assert max(map(len, shown.splitlines())) <= width
    assert [line[:-1] for line in shown.splitlines() if line[:-1] in SECTIONS] == list(SECTIONS)


def test_every_verb_of_a_section_exists() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert {name for names in SECTIONS.values() for name in names} <= known


def test_what_does_not_fit_on_a_line_goes_on_under_its_text() -> None:
    console, out = screen(60)
    say_findings(console, [finding(), finding(status="passed"), finding(status="passed")])
    first, *more, remedy, silent = [line.rstrip() for line in out.getvalue().splitlines()]
    assert first.startswith("  ! FG335 Quick models")
    assert more and all(line.startswith(" " * 10) and line[10] != " " for line in more)
    assert " ".join([first.removeprefix("  ! FG335 "), *(line.strip() for line in more)]) == SENTENCE
    assert (remedy, silent) == (" " * 10 + "Look.", "  2 checks had nothing to say")


def test_lines_that_go_to_a_file_are_whole() -> None:
    console, out = screen(60, terminal=False)
    say_line(console, SENTENCE)
    say_findings(console, [finding(remedy=""), finding(status="passed")])
    assert out.getvalue() == f"  {SENTENCE}\n  ! FG335 {SENTENCE}\n  1 check had nothing to say\n"


def test_open_questions_and_guesses_stand_beside_what_they_are_about() -> None:
    entry = {"entry": "unit", "value": "", "status": "open", "who": "domain expert", "question": "What is one row?"}
    guess = {"entry": "costs", "value": "both [1]", "status": "guessed", "who": "decision maker", "question": ""}
    said = {"entry": "target", "value": "late", "status": "answered", "who": "product owner", "question": ""}
    console, out = screen(80)
    console.print(stated([entry, guess, said]))
    assert [line.rstrip() for line in out.getvalue().splitlines()] == [
        "  unit    ? What is one row? (open: ask the domain expert)",
        "  costs   both [1] (guessed: ask the decision maker)",
        "  target  late",
    ]


def test_a_whole_run_tells_its_candidates_once() -> None:
    score = {"metric": "auc", "output": "y", "rows": "validation", "value": 0.8, "interval": [0.7, 0.9]}
    facts = {"sentence": "done", "entries": [{"candidate": "linear", "score": score}]}
    result = {"step": "baseline", "seconds": 1.0, "facts": facts, "findings": []}
    for brief, told in ((True, False), (False, True)):
        console, out = screen(80)
        say_result(console, result, brief=brief)
        assert ("linear" in out.getvalue()) is told


def test_measures_of_an_experiment_fit_a_narrow_terminal() -> None:
    measure = {
        "name": "seconds", "role": "guardrail", "control": 0.001365, "candidate": 0.001322, "value": -4.357e-05,
        "interval": [-0.0005578, 0.0004707], "adjusted_p": 0.868, "always_interval": [-0.0008374, 0.0007503], "running_p": 1.0,
    }  # fmt: skip
    early = {**measure, "name": "profit", "role": "primary", "always_interval": None}
    facts = {"measures": [], "phases": [{"phase": {"name": "forward"}, "measures": [measure, early]}]}
    console, out = screen(80)
    console.print(_measures(facts))
    shown = [line.rstrip() for line in out.getvalue().splitlines()]
    assert "…" not in out.getvalue() and max(map(len, shown)) <= 80
    assert shown[1] == "forward"
    assert sum("at every look" in line for line in shown) == 1  # of profit there is no such reading yet
    assert any(line.endswith("\u22120.000837 to 0.00075      1") for line in shown)


def test_a_table_in_a_folder_of_its_name_gets_a_study_beside_it(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("parcels").mkdir()
    pl.DataFrame({"weight": [float(i * 7 % 11) for i in range(60)], "late": ["no", "no", "yes"] * 20}).write_csv(
        "parcels/parcels.csv"
    )
    done = command("init", "parcels/parcels.csv", "--target", "late")
    assert done.status == 0 and "Made parcels-study/study.yaml" in done.out
    written = Path("parcels-study/study.yaml").read_text()
    assert "table: ../parcels/parcels.csv" in written
    assert "  prediction_time:  # ? At which moment is it made?" in written
    assert [path.name for path in Path("parcels").iterdir()] == ["parcels.csv"]


def test_a_study_that_is_in_the_way_is_no_reason_for_another_name(
    tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pl.DataFrame({"weight": [1.0, 2.0] * 30, "late": ["no", "no", "yes"] * 20}).write_csv("parcels.csv")
    assert command("init", "parcels.csv", "--target", "late").status == 0
    again = command("init", "parcels.csv", "--target", "late")
    assert again.status == 2 and "parcels already exists" in again.err


def test_what_is_piped_is_neither_cut_nor_filled_up(capsys: pytest.CaptureFixture[str]) -> None:
    goal = "Write to people who buy " + "again and " * 60 + "again"
    entries = [
        {"entry": name, "value": value, "status": "answered", "who": "product owner", "question": ""}
        for name, value in (("goal", goal), ("unit", "a person"))
    ]
    console().print(stated(entries))
    out = capsys.readouterr().out
    assert out.splitlines() == [f"  goal  {goal}", "  unit  a person"]
