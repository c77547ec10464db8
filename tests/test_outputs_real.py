"""Vectors, counts and ordered labels on real tables that come with other packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fieldguide.core.candidate import Candidate, fit
from fieldguide.core.contracts import Effort
from fieldguide.core.documents.config import Config
from fieldguide.core.leaderboard import readable
from fieldguide.core.rows import Rows
from fieldguide.parts import find, modality
from fieldguide.steps.frame.frame import frame


def statsmodels_table(name: str) -> Path:
    spec = importlib.util.find_spec("statsmodels")
    path = (
        Path(spec.submodule_search_locations[0]) / "datasets" / name / f"{name}.csv"
        if spec and spec.submodule_search_locations
        else None
    )
    if path is None or not path.is_file():
        pytest.skip(f"the table {name} comes with statsmodels, which is not installed")
    return path


def judged(
    path: Path, metrics: list[str], learners: dict[str, dict[str, Any]], **problem: Any
) -> dict[str, dict[str, float]]:
    """Return metrics of learners fitted on three quarters of a table and judged on the rest."""
    found = frame(Config.from_dict({"problem": problem, "data": {"table": str(path)}}))
    rows = Rows.of(found.table, found.problem.outputs, modality)
    held = np.random.default_rng(0).permutation(len(rows)) % 4 == 0
    train, test = rows.take(np.flatnonzero(~held)), rows.take(np.flatnonzero(held))
    output, scores = found.problem.output, {}
    for name, settings in learners.items():
        candidate = Candidate.of(name, find("learners", name)(**settings))
        fitted, _ = fit(candidate, train, None, found.problem.outputs, modality, Effort(seed=1))
        (predicted,) = fitted.predict(test.cells, len(test))
        judges = [find("metrics", metric)() for metric in metrics]
        scores[name] = {j.name: j.score(test.truths[0], readable(output, predicted, j, None)) for j in judges}
    return scores


def test_linnerud_as_a_vector_is_ridge_regression_entry_by_entry(tmp_path: Path) -> None:
    from sklearn.datasets import load_linnerud
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    data = load_linnerud()
    names = list(data.target_names)
    columns = dict(zip(data.feature_names, data.data.T)) | dict(zip(names, data.target.T))
    pl.DataFrame(columns).write_csv(tmp_path / "linnerud.csv")
    problem = {"target": names, "task": "vector"}
    found = frame(Config.from_dict({"problem": problem, "data": {"table": str(tmp_path / "linnerud.csv")}}))
    rows = Rows.of(found.table, found.problem.outputs, modality)
    candidate = Candidate.of("linear", find("learners", "linear")(penalty=2.0))
    fitted, _ = fit(candidate, rows, None, found.problem.outputs, modality, Effort())
    (ours,) = fitted.predict(rows.cells, len(rows))
    x, y = StandardScaler().fit_transform(data.data), StandardScaler().fit(data.target)
    theirs = y.inverse_transform(Ridge(alpha=2.0).fit(x, y.transform(data.target)).predict(x))
    assert found.problem.output.labels == ("Weight", "Waist", "Pulse")
    assert np.allclose(ours, theirs, rtol=1e-4)


def test_visits_to_the_doctor_as_counts() -> None:
    found = judged(
        statsmodels_table("randhie"), ["poisson_deviance", "mae"],
        {"prior": {}, "linear": {"penalty": 1.0}, "boosting": {"n_rounds": 60}}, target="mdvis", task="count",
    )  # fmt: skip
    deviance = {name: scores["poisson_deviance"] for name, scores in found.items()}
    assert deviance["boosting"] < deviance["linear"] < deviance["prior"] - 0.2


def test_party_identification_as_ordered_labels(tmp_path: Path) -> None:
    metrics = ["quadratic_weighted_kappa", "mae_levels", "ranked_probability"]
    learners = {"prior": {}, "linear": {"penalty": 10.0}, "boosting": {"n_rounds": 40}}
    path = tmp_path / "anes96.csv"
    path.write_text(statsmodels_table("anes96").read_text().replace("'", "").replace("\t", ","))
    ordered = judged(path, metrics, learners, target="PID", task="ordinal")
    assert ordered["linear"]["quadratic_weighted_kappa"] > 0.6
    assert ordered["linear"]["ranked_probability"] < 0.6 * ordered["prior"]["ranked_probability"]
    assert ordered["boosting"]["mae_levels"] < 0.8 * ordered["prior"]["mae_levels"]
