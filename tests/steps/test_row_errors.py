"""Row errors: how far logged answers are from what came, and experiments that are decided by them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from fieldguide.core.errors import DataError
from fieldguide.core.online.assignment import Allocation
from fieldguide.core.online.log import Entry, Outcome, Prediction, Served, predictions
from fieldguide.core.table import Column
from fieldguide.parts.stores import open_log
from fieldguide.steps.online.experiment import plan, start, status, verdict
from fieldguide.steps.online.row_errors import row_errors

START = datetime(2024, 5, 6)
COLUMNS = (Column("age", "number"),)
MOODS = {"name": "mood", "task": "multilabel", "labels": ["calm", "happy", "sad"]}
TASKS = [
    ({"name": "y", "task": "binary", "labels": ["no", "yes"]}, (0.7, 0.3), "yes", 0.49),
    ({"name": "y", "task": "multiclass", "labels": ["a", "b", "c"]}, (0.5, 0.3, 0.2), "b", 0.25 + 0.49 + 0.04),
    ({"name": "y", "task": "regression", "labels": []}, (3.5,), 5, 1.5),
    (MOODS, (0.5, 0.9, 0.0), ["happy"], (0.25 + 0.01) / 3),
    ({"name": "y", "task": "vector", "labels": ["left", "top"]}, (1.0, 2.0), {"top": 4.0, "left": 1.0}, 1.0),
    ({"name": "y", "task": "price", "labels": []}, (90.0,), -100, 10.0),
]


def answer(
    i: int, outputs: tuple[float, ...], unit: str = "u", arm: str = "control", time: datetime = START
) -> Prediction:
    return Prediction(f"r{i}-0", f"r{i}", unit, time, arm, "m", "c", (1.0,), "", 0.5, outputs, experiment="trial")


@pytest.mark.parametrize(
    ("output", "outputs", "outcome", "error"), TASKS, ids=[str(task["task"]) for task, *_ in TASKS]
)
def test_the_error_of_an_answer_is_that_of_its_task(
    tmp_path: Path, output: dict[str, object], outputs: tuple[float, ...], outcome: object, error: float
) -> None:
    store = open_log(f"{tmp_path}/log.db")
    told = Outcome(START + timedelta(days=1), outcome, id="r0-0")  # type: ignore[arg-type]
    store.append([Served("m", "c", COLUMNS, (output,), "control", START), answer(0, outputs), answer(1, outputs), told])
    found = row_errors(store, predictions(store))
    assert found["id"].to_list() == ["r0-0"] and found["judged"].to_list() == [1.0], "what has no outcome is not judged"
    assert found["error"][0] == pytest.approx(error)
    store.close()


def test_values_of_series_are_no_measure_of_units(tmp_path: Path) -> None:
    log, folder = f"sqlite:///{tmp_path}/log.db", tmp_path / "trial"
    folder.mkdir()
    (folder / "experiment.yaml").write_text(
        f"name: trial\nlog: {log}\narms: {{control: {{}}, candidate: {{}}}}\nmeasures: {{sold: {{role: primary}}}}\n"
    )
    store = open_log(log)
    output = {"name": "sold", "task": "forecast", "labels": ["+1"]}
    store.append([Served("m", "c", COLUMNS, (output,), "control", START)])
    store.append(
        [answer(i, (1.0,), f"u{i}", "control" if i % 2 else "candidate", START + timedelta(hours=1)) for i in range(4)]
    )
    store.append([Outcome(START + timedelta(hours=2), 5.0, series="a", name="sold")])
    store.close()
    with pytest.raises(DataError, match=r"are values of series.*measure `error`"):
        plan(folder, START + timedelta(days=1))


def test_what_has_no_target_has_no_error(tmp_path: Path) -> None:
    store = open_log(f"{tmp_path}/log.db")
    store.append(
        [
            Served("m", "c", COLUMNS, ({"name": "cluster", "task": "clustering", "labels": []},), "control", START),
            answer(0, (1.0, 0.0)),
        ]
    )
    with pytest.raises(DataError, match="has no target, and no outcome can judge it"):
        row_errors(store, predictions(store))
    store.close()


def test_an_experiment_on_label_sets_is_decided_by_the_error_and_by_a_label_that_counts(tmp_path: Path) -> None:
    """The candidate's probabilities are sharper; what comes is the same in both arms, so that the label is not more frequent."""
    rng = np.random.default_rng(0)
    entries: list[Entry] = []
    deal = Allocation("trial", {"control": 0.5, "candidate": 0.5})
    log = f"sqlite:///{tmp_path}/log.db"
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "experiment.yaml").write_text(
        f"name: trial\nlog: {log}\narms: {{control: {{}}, candidate: {{}}}}\nunits: 600\nwait: 2d\nmeasures:\n"
        "  error: {role: primary, better: lower}\n  sad: {outcome: mood, positive: sad, per: request}\n"
    )
    store = open_log(log)
    store.append([Served("m", "c", COLUMNS, (MOODS,), "control", START)])
    plan(folder, START)
    start(folder, now=START)
    for i in range(1_300):
        unit, when = f"u{i % 650}", START + timedelta(minutes=5 * i)
        arm, truth = deal(unit), rng.random(3) < (0.5, 0.4, 0.2)
        assert arm is not None
        sure = 0.75 if arm == "candidate" else 0.65
        entries.append(answer(i, tuple(np.where(truth, sure, 1 - sure).tolist()), unit, arm, when))
        if i % 5:
            said = [label for label, there in zip(("calm", "happy", "sad"), truth) if there]
            entries.append(
                Outcome(when + timedelta(hours=1), said, id=f"r{i}-0", name="mood", recorded=when + timedelta(hours=1))
            )
    store.append(entries)
    store.close()
    now = START + timedelta(days=9)
    assert "Stop" in status(folder, now).facts["sentence"]
    facts = verdict(folder, now).facts
    primary, sad = facts["measures"]
    assert facts["verdict"]["decision"] == "ship" and primary["name"] == "error"
    assert primary["value"] == pytest.approx(0.25**2 - 0.35**2, abs=1e-9), "of the answers whose outcome is known"
    assert sad["control"] == pytest.approx(0.2 * 0.8, abs=0.04) and sad["adjusted_p"] > 0.05
