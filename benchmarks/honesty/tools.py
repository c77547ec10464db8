"""What a newcomer types, for each tool, as a program of its own: a file in, a reported score and answers to fresh rows out.

Knows the tools' front doors. Each program is given folder, target, metric, minutes and seed; it reads `train.csv` and
`fresh.csv` in the folder (`test.csv` where the user was given one), and writes `<tool>.json` (reported, interval, findings,
declined) and `<tool>.csv` (a column per label in sorted order, or one column of values). Judging is not theirs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

OURS = """
import json, sys
from pathlib import Path
import polars as pl
import fieldguide as fg
from fieldguide.core.errors import GateError
folder, target, metric, minutes, seed = sys.argv[1:6]
folder = Path(folder)
study = fg.Study.create(folder / "train.csv", target=target, out=folder / "study", metric=metric)
if (folder / "test.csv").exists():
    path = folder / "study" / "study.yaml"
    path.write_text(path.read_text() + f"split: {{test: {folder}/test.csv}}\\n")
    study = fg.Study(path.parent)
said = {"reported": None, "interval": None, "declined": ""}
try:
    study.run(minutes=float(minutes))
    final = study.finalize()
    score = final["scores"][0]
    said |= {"reported": score["value"], "interval": score["interval"], "n": score["n"], "chosen": final["chosen"]}
    declined = final.facts.get("declined")
    if declined or None in score["interval"]:
        said["declined"] = str(declined or "the interval is not known")
except GateError as error:
    said["declined"] = str(error)
split = study.record.result("split")
said["scheme"] = split["scheme"] if split is not None else None
said["findings"] = [
    {k: f.to_dict()[k] for k in ("code", "severity", "step", "columns", "sentence")} | {"exclude": list(f.evidence.get("exclude", ()))}
    for result in study.results() for f in result.findings if f.fired
]
(folder / "ours.json").write_text(json.dumps(said))
if (folder / "study" / "model").exists():
    answers = fg.load_model(folder / "study" / "model").predict(folder / "fresh.csv")
    output = study.problem.outputs[0]
    if output.labels:
        answers = answers.select(pl.col(f"probability_{label}").alias(str(label)) for label in sorted(map(str, output.labels)))
    else:
        answers = answers.select(answers.columns[-1])
    answers.write_csv(folder / "ours.csv")
"""

_FRAMES = """
import json, sys, numpy as np, pandas as pd
folder, target, metric, minutes, seed = sys.argv[1:6]
seed, seconds, binary = int(seed), 60 * float(minutes), metric == "roc_auc"
train, fresh = (pd.read_csv(f"{folder}/{n}.csv", low_memory=False) for n in ("train", "fresh"))
train = train[train[target].notna()]
if binary:
    train[target] = train[target].astype(str)
labels = sorted(train[target].unique()) if binary else []
def keep(tool, reported, answers):
    json.dump({"reported": float(reported)}, open(f"{folder}/{tool}.json", "w"))
    pd.DataFrame(np.asarray(answers, float).reshape(len(fresh), -1), columns=labels or ["p"]).to_csv(f"{folder}/{tool}.csv", index=False)
"""

LIGHTGBM = (
    _FRAMES
    + """
import lightgbm as lgb
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
features = [c for c in train.columns if c != target]
for c in features:
    if not pd.api.types.is_numeric_dtype(train[c]):
        train[c] = train[c].astype("category")
        fresh[c] = pd.Categorical(fresh[c], categories=train[c].cat.categories)
    else:
        fresh[c] = pd.to_numeric(fresh[c], errors="coerce")
fit, held = train_test_split(train, test_size=0.2, random_state=seed, stratify=train[target] if binary else None)
model = (lgb.LGBMClassifier if binary else lgb.LGBMRegressor)(verbosity=-1, n_jobs=1, random_state=seed).fit(fit[features], fit[target])
if binary:
    p = model.predict_proba(held[features])
    reported = roc_auc_score(held[target], p[:, 1]) if len(labels) == 2 else roc_auc_score(held[target], p, multi_class="ovr", labels=labels)
    keep("lightgbm", reported, model.predict_proba(fresh[features]))
else:
    keep("lightgbm", root_mean_squared_error(held[target], model.predict(held[features])), model.predict(fresh[features]))
"""
)

AUTOGLUON = (
    _FRAMES
    + """
from autogluon.tabular import TabularPredictor
metric = {"rmse": "rmse", "roc_auc": "roc_auc" if len(labels) == 2 else "roc_auc_ovr_macro"}[metric]
predictor = TabularPredictor(label=target, eval_metric=metric, path=folder + "/ag", verbosity=0)
predictor.fit(train, time_limit=seconds)
reported = abs(predictor.leaderboard(silent=True).set_index("model").loc[predictor.model_best, "score_val"])
answers = predictor.predict_proba(fresh.drop(columns=[target]))[labels] if binary else predictor.predict(fresh.drop(columns=[target]))
keep("autogluon", reported, answers)
"""
)

FLAML = (
    _FRAMES
    + """
from flaml import AutoML
metric = {"rmse": "rmse", "roc_auc": "roc_auc" if len(labels) == 2 else "roc_auc_ovr"}[metric]
automl, features = AutoML(), [c for c in train.columns if c != target]
automl.fit(train[features], train[target], task="classification" if binary else "regression", metric=metric, time_budget=seconds, seed=seed, verbose=0, n_jobs=1)
reported = 1 - automl.best_loss if binary else automl.best_loss
keep("flaml", reported, automl.predict_proba(fresh[features]) if binary else automl.predict(fresh[features]))
"""
)

PROGRAMS = {"ours": OURS, "lightgbm": LIGHTGBM, "autogluon": AUTOGLUON, "flaml": FLAML}
OURS_PYTHON = ("ours",)
"""Tools that run in this interpreter; the others run in the peers'."""


def run_tool(
    tool: str, python: str, folder: Path, target: str, metric: str, minutes: float, seed: int
) -> dict[str, Any]:
    """Run one tool on a folder; return what it said, with `failed` where it ended in an error.

    A tool may report a number and then fail to answer: both are kept.
    """
    arguments = [str(folder), target, metric, str(minutes), str(seed)]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled", "PYTHONWARNINGS": "ignore"}
    interpreter = sys.executable if tool in OURS_PYTHON else python
    try:
        process = subprocess.run(
            [interpreter, "-c", PROGRAMS[tool], *arguments], capture_output=True, text=True, env=environment, timeout=600 + 180 * minutes
        )  # fmt: skip
        failed = process.stderr.strip()[-2000:] if process.returncode else ""
    except subprocess.TimeoutExpired:
        failed = "ran ten minutes past its budget"
    file = folder / f"{tool}.json"
    said: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {"reported": None}
    return {"interval": None, "declined": "", "findings": [], **said, "failed": failed}
