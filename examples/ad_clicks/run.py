"""Serve two models in a world of known truth: A/A test, forward and back test, verdict, gap, refresh; every figure beside the truth.

Run `python -m examples.ad_clicks.run`; a minute or two, everything under demo/ad_clicks.
"""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from examples.ad_clicks import new_path
from examples.ad_clicks.world import (
    KINDS,
    Policy,
    Users,
    Visits,
    chance,
    features,
    moment,
    schedule,
    users,
    value,
    week,
)

from fieldguide.core.answering import Contract
from fieldguide.core.model import Model
from fieldguide.core.online.log import Entry, LogStore, Outcome, Prediction, Served
from fieldguide.parts.stores import open_log
from fieldguide.steps.online import experiment
from fieldguide.steps.online.gap import gap_of_log
from fieldguide.steps.online.refresh import refresh_of_log
from fieldguide.workflow import Study, load_model

START = datetime(2024, 5, 6)
WEEK = timedelta(days=7)
NIGHT = timedelta(days=2)
"""How long reports of clicks are waited for: all but one in three thousand are there."""
PLAN = """name: {name}
goal: {goal}
design: {design}
log: {log}
arms:
  control: {{model: {control}{control_share}}}
  candidate: {{{candidate}{candidate_share}}}
measures:
  click: {{role: primary, per: request{effect}}}
  seconds: {{role: guardrail, better: lower, margin: 0.05}}
wait: 2d
slices: [device]
{more}"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--users", type=int, default=20_000, help="users a week")
    options.add_argument("--folder", type=Path, default=Path("demo/ad_clicks"))
    chosen = options.parse_args()
    run(chosen.folder, chosen.users)


def run(folder: Path, n_users: int) -> dict[str, Any]:
    """Run the whole story in a fresh folder; return the figures with their truths."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    offline = past(rng, 20_000)
    offline.write_csv(folder / "clicks.csv")
    control, candidate = models(folder)
    told: dict[str, Any] = {"aa": aa(folder, rng, control, n_users // 2)}
    told["test"] = forward_and_back(folder, rng, control, candidate, n_users)
    told["gap"] = gap(folder, rng, candidate, n_users // 2)
    return told


def past(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """Return a log from before any model: ads were drawn at random."""
    who = users(rng, n // 2, "past")
    user, at = schedule(rng, who, 7)
    user, hour = user[:n], (at[:n] % 24).astype(np.int64)
    ad = rng.integers(0, len(KINDS), len(user))
    clicked = rng.random(len(user)) < chance(who, user, hour, ad)
    return features(who, user, hour, ad).with_columns(clicked=np.where(clicked, "yes", "no"))


def models(folder: Path) -> tuple[Path, Path]:
    """Make a study of the past and package two of its candidates: linear serves today, boosting is on trial."""
    study = Study.create(
        folder / "clicks.csv", target="clicked", out=folder / "study", positive="yes", metric="log_loss"
    )
    text = (study.folder / "study.yaml").read_text()
    (study.folder / "study.yaml").write_text(f"{text}\nlearners: {{use: [linear, boosting]}}\n")
    study = Study(study.folder)
    study.baseline()
    for name in ("linear", "boosting"):
        study.package(name, folder / name)
    return (folder / "linear").resolve(), (folder / "boosting").resolve()


def policy_of(model: Model, path: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows) -> Policy:
    """Return a model as a policy: its probability of a click, through a code path."""

    def score(rows: pl.DataFrame) -> np.ndarray:
        return model.predict(path(rows).select([c.name for c in model.columns]))["probability_yes"].to_numpy()

    return score


def aa(folder: Path, rng: np.random.Generator, control: Path, n_users: int) -> dict[str, Any]:
    """The present model against itself through a new code path that loses the device of tablets."""
    os.environ[new_path.MODEL] = str(control)
    model = load_model(control)
    test = planned(
        folder / "aa", "identity", "aa", folder / "aa.db", control, "python: examples.ad_clicks.new_path:score",
        goal="the new code path changes nothing", more=f"units: {n_users}\n",
    )  # fmt: skip
    experiment.start(test, now=START)
    deal = experiment.running(test)
    assert deal is not None
    who = users(rng, n_users, "aa-")
    policies = {"control": policy_of(model), "candidate": policy_of(model, new_path.seen)}
    visits = week(rng, who, policies, deal.allocation)
    with_bug = visits.cells.with_columns(
        device=pl.when(pl.lit(visits.arm == "control")).then("device").otherwise(new_path.seen(visits.cells)["device"])
    )
    store = open_log(f"sqlite:///{folder / 'aa.db'}")
    log_week(store, "identity", START, who, visits, {"control": model, "candidate": model}, with_bug)
    store.close()
    experiment.stop(test, "the week is over", now=START + WEEK)
    found = experiment.verdict(test, now=START + WEEK + NIGHT)
    print(f"\nA/A test. Planted: the new path loses the device of tablets.\n  {found['sentence']}")
    for finding in found.findings:
        if finding.fired:
            print(f"  {finding.code} {finding.severity}: {finding.sentence}")
    return {"decision": found["verdict"]["decision"], "columns": [f.columns for f in found.findings if f.fired]}


def forward_and_back(
    folder: Path, rng: np.random.Generator, control: Path, candidate: Path, n_users: int
) -> dict[str, Any]:
    """A week of 99 + 1, a week of 1 + 99, and the verdict beside the true difference."""
    served = {"control": load_model(control), "candidate": load_model(candidate)}
    policies = {name: policy_of(model) for name, model in served.items()}
    test = planned(
        folder / "test", "boosting", "forward_back", folder / "log.db", control, f"model: {candidate}, changes: [model]",
        goal="does boosting earn more clicks than linear?", effect=", effect: 0.05", more=f"units: {round(0.9 * n_users)}\n",
    )  # fmt: skip
    store = open_log(f"sqlite:///{folder / 'log.db'}")
    true = []
    for number in range(2):
        start = START + number * (WEEK + NIGHT)
        experiment.start(test, now=start)
        deal = experiment.running(test)
        assert deal is not None
        who = users(rng, n_users, f"week{number}-")
        visits = week(rng, who, policies, deal.allocation)
        log_week(store, "boosting", start, who, visits, served, visits.cells)
        true.append([value(who, visits.user, visits.hour, policies[name]) for name in ("control", "candidate")])
        looked = experiment.status(test, now=start + timedelta(days=5))
        print(f"\n{looked['phase']['name'].capitalize()} test, day 5: {looked['sentence']}")
        experiment.stop(test, "the week is over", now=start + WEEK)
    store.close()
    found = experiment.verdict(test, now=START + 2 * (WEEK + NIGHT))
    print(
        f"\nVerdict: {found['sentence']}\n\n| phase | difference of clicks per visit | 95 % interval | true difference |\n|---|---|---|---|"
    )
    rows = []
    for phase, (before, after) in zip(found["phases"], true):
        one = next(m for m in phase["measures"] if m["name"] == "click")
        rows.append({"value": one["value"], "interval": one["interval"], "truth": after - before})
        print(
            f"| {phase['phase']['name']} | {one['value']:+.4f} | {one['interval'][0]:+.4f} to {one['interval'][1]:+.4f} | {after - before:+.4f} |"
        )
    return {"decision": found["verdict"]["decision"], "phases": rows}


def gap(folder: Path, rng: np.random.Generator, candidate: Path, n_users: int) -> dict[str, Any]:
    """The candidate alone, in a world with more phones, with a click rate that is not smoothed; and why its score is not the promised one."""
    model = load_model(candidate)
    score = policy_of(model)
    start = START + 5 * WEEK
    past_users = users(rng, n_users, "past-")
    fresh = past(rng, 8_000)
    fresh.write_csv(folder / "offline.csv")
    who = users(rng, n_users, "phones-", phones=0.7)
    visits = week(rng, who, {"candidate": score}, lambda unit: "candidate", smooth=False)
    place = f"sqlite:///{folder / 'gap.db'}"
    store = open_log(place)
    log_week(store, "", start, who, visits, {"candidate": model}, visits.cells)
    ids = logged_ids(store)
    store.close()
    smooth = features(who, visits.user, visits.hour, visits.ad)
    smooth.insert_column(0, ids).write_parquet(folder / "features.parquet")
    now = start + WEEK  # the last day's clicks are still coming
    found = gap_of_log(
        candidate, place, folder / "offline.csv", outcome="click", wait="2d", absent="no", features=folder / "features.parquet", now=now
    )  # fmt: skip
    truth = true_parts(past_users, who, visits, smooth, score, rng)
    print(f"\n{found['sentence']}\n\n| part | estimated | 95 % interval | true |\n|---|---|---|---|")
    rows = {}
    for part in found["parts"]:
        low, high = part["interval"]
        rows[part["name"]] = {**part, "truth": truth.get(part["name"])}
        print(f"| {part['name']} | {part['value']:+.4f} | {low:+.4f} to {high:+.4f} | {truth[part['name']]:+.4f} |" if part["name"] in truth else
              f"| {part['name']} | {part['value']:+.4f} | {low:+.4f} to {high:+.4f} | – |")  # fmt: skip
    for finding in found.findings:
        if finding.fired:
            print(f"  {finding.code} {finding.severity}: {finding.sentence}")
    renewed = refresh_of_log(
        candidate, place, earlier=folder / "clicks.csv", outcome="click", wait="2d", absent="no", now=now + NIGHT
    )
    print(f"\n{renewed['sentence']}")
    return {"parts": rows, "refresh": renewed["difference"]}


def true_parts(
    before: Users, who: Users, visits: Visits, smooth: pl.DataFrame, score: Policy, rng: np.random.Generator
) -> dict[str, float]:
    """Return the parts of the gap from true chances instead of clicks: what no log can know."""
    old = visits.at <= 24 * 5
    served = _loss(visits.chance, visits.score)
    # A click that is not reported yet counts as none: what is true of it is the chance that it is there.
    heard = visits.chance * np.where(old, 1.0, 1 - np.exp(-(24 * 7 - visits.at) / 6.0))
    right = _loss(visits.chance, score(smooth))
    random_ad = rng.integers(0, len(KINDS), len(visits.user))
    everything = _loss(
        chance(who, visits.user, visits.hour, random_ad), score(features(who, visits.user, visits.hour, random_ad))
    )
    user, at = schedule(rng, before, 7)
    hour, ad = (at % 24).astype(np.int64), rng.integers(0, len(KINDS), len(user))
    offline = _loss(chance(before, user, hour, ad), score(features(before, user, hour, ad)))
    return {
        "late labels": float(_loss(heard, visits.score).mean() - served[old].mean()), "skew": float((served - right)[old].mean()),
        "feedback": float(right[old].mean() - everything.mean()), "drift": float(everything.mean() - offline.mean()),
    }  # fmt: skip


def _loss(true: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the expected log loss of each row."""
    given = np.clip(given, 1e-15, 1 - 1e-15)
    return -(true * np.log(given) + (1 - true) * np.log(1 - given))


# --- the log ------------------------------------------------------------------------------------------------------------


def planned(
    folder: Path, name: str, design: str, log: Path, control: Path, candidate: str, *, goal: str, effect: str = "", more: str = "",
) -> Path:  # fmt: skip
    """Write and record a plan."""
    folder.mkdir()
    (folder / "experiment.yaml").write_text(PLAN.format(
        name=name, goal=goal, design=design, log=f"sqlite:///{log.resolve()}", control=control, candidate=candidate,
        control_share="", candidate_share="", effect=effect, more=more,
    ))  # fmt: skip
    experiment.plan(folder, now=START)
    return folder


def log_week(
    store: LogStore,
    name: str,
    start: datetime,
    who: Users,
    visits: Visits,
    models: dict[str, Model],
    cells: pl.DataFrame,
) -> None:
    """Log a week as the server does: what each model saw and said, how likely the ad was, and clicks when they are reported."""
    contracts = {arm: Contract.of(model) for arm, model in models.items()}
    entries: list[Entry] = []
    for arm, contract in contracts.items():
        outputs = tuple({"name": o.name, "task": o.task.name, "labels": list(o.labels)} for o in models[arm].outputs)
        entries.append(Served(contract.hash, contract.version, contract.columns, outputs, arm, start))
    columns = {
        arm: cells.select([column.name for column in contract.columns]).rows() for arm, contract in contracts.items()
    }
    slowness = np.random.default_rng(1).lognormal(-5.5, 0.3, len(visits.user))
    for i, arm in enumerate(visits.arm):
        contract, time, score = contracts[arm], moment(start, visits.at[i]), float(visits.score[i])
        request = f"{start:%m%d}v{i}"
        entries.append(Prediction(
            f"{request}-0", request, f"{who.name}{visits.user[i]}", time, arm, contract.hash, contract.version, columns[arm][i],
            "yes" if score > 0.5 else "no", score, (1 - score, score), float(slowness[i]), name,
        ))  # fmt: skip
        entries.append(Outcome(time, float(visits.propensity[i]), id=f"{request}-0", name="propensity", recorded=time))
        if visits.clicked[i]:
            known = time + timedelta(hours=float(visits.reported[i]))
            entries.append(Outcome(time, 1.0, id=f"{request}-0", name="click", recorded=known))
    for first in range(0, len(entries), 20_000):
        store.append(entries[first : first + 20_000])


def logged_ids(store: LogStore) -> pl.Series:
    return pl.concat(list(store.scan()))["id"]


if __name__ == "__main__":
    main()
